"""Two agents on one tree: one acts, the other says so, stands by, and takes over at the first's end.

Here they are on one host, each with a state and a socket of its own; tests/system/test_remote.py has
them on two."""

import os

from harness import mounts, on, wait_until, write
from harness.rivals import begin, holding, stands_by


@on("s3d")
def test_the_second_stands_by_and_takes_over(ctx):
    images, lists, first, second = begin(ctx)
    second.start()
    wait_until(lambda: stands_by(second), 10, lambda: second.log())
    told = second.run("status").stdout
    assert "a process of this host" in told and images in told, told
    os.rename(f"{images}/c0/000.jpg", f"{images}/c0/new.jpg")
    first.wait_in_step(30)
    assert not os.path.exists(ctx.path('second/state/journal')), "who stands by has begun something"
    assert second.run("release", "images").returncode == 4
    first.kill9()
    wait_until(lambda: not stands_by(second), 20, lambda: second.log())
    second.wait_in_step(30) # from here on it knows what was there
    os.rename(f"{images}/c1/001.jpg", f"{images}/c1/newer.jpg")
    second.wait_in_step(30)
    ctx.client.assert_tree(images, "images/")
    ctx.client.assert_tree(lists, "lists/")
    rows = b"".join(ctx.client.get(k)[0] for k in ctx.client.keys("lists/"))
    assert b"c0/new.jpg" in rows and b"c1/newer.jpg" in rows, rows
    first.start() # now it is this one's turn to stand by
    wait_until(lambda: stands_by(first), 10, lambda: first.log())
    assert first.stop() == 0, "who stands by was asked to end"
    second.stop()
    first.verify_journal()
    second.verify_journal()


@on("s3d")
def test_a_single_run_is_refused(ctx):
    images, _, first, second = begin(ctx)
    done = second.run("agent", "--once")
    assert done.returncode == 4 and "another lockstep agent" in done.stderr, done
    assert images in done.stderr, done
    assert second.run("adopt").returncode == 4
    assert second.run("plan").returncode in (0, 1), "a plan changes nothing"
    first.stop()
    second.once()


@on("s3d")
def test_with_the_same_state_it_leaves_the_others_socket_alone(ctx):
    images, lists, first, _ = begin(ctx)
    again = ctx.agent(images=images, lists=lists, name="first") # as by one more start of the service
    again.start()
    wait_until(lambda: "this one stands by" in again.log(), 10, lambda: again.log())
    wait_until(lambda: "another agent answers there" in again.log(), 10, lambda: again.log())
    os.rename(f"{images}/c0/000.jpg", f"{images}/c0/new.jpg")
    first.wait_in_step(30)
    first.kill9()
    write(f"{images}/c0/more.jpg")
    again.wait_in_step(30) # with the other's state it goes on where that one was
    ctx.client.assert_tree(images, "images/")
    ctx.client.assert_tree(lists, "lists/")
    again.stop()
    again.verify_journal()


@on("s3d")
def test_a_socket_that_another_agent_answers_is_not_taken(ctx):
    images, _, first, _ = begin(ctx)
    other = ctx.folder("other")
    second = ctx.agent(images=other, name="second",
                       options={"socket": f"{first.state_dir}/control.sock"})
    done = second.run("agent", timeout=30)
    assert done.returncode == 4 and "another agent answers there" in done.stderr, done
    assert first.run("status").returncode == 0
    write(f"{images}/c0/more.jpg")
    first.wait_in_step(30)


@on("s3d")
def test_a_tree_that_comes_back_may_be_another_agents_by_now(ctx):
    tree, images = ctx.folder("tree"), ctx.folder("images")
    write(f"{tree}/c0/000.jpg")
    mounts.private()
    mounts.mount("--bind", tree, images)
    agent = ctx.agent(images=images).start()
    agent.wait_in_step(30)
    mounts.unmount(images)
    wait_until(lambda: "cannot be reached" in agent.log(), 20, "the loss to be seen")
    with holding(tree):
        mounts.mount("--bind", tree, images)
        wait_until(lambda: stands_by(agent), 20, lambda: agent.log())
        write(f"{tree}/c0/more.jpg")
    agent.wait_in_step(30)
    ctx.client.assert_tree(images, "images/")
    agent.stop()
