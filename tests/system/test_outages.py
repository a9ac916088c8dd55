"""S3 refuses everything for seconds at a time while people rename images and directories faster than
anybody looks: afterwards each row is where its image is, and no row is lost."""

import os
import random
import time

from harness import deadline, long_test, on
from harness.seeds import seed
from harness.workload import Workload

CHANGES = "[!GL]*"  # the test itself Gets and Lists
REFUSED = {"do": "error", "code": "InternalError", "status": 500}
SECONDS = 8


class Onwards(Workload):
    """Mostly renames, of directories too; no path is used again by another image."""

    def move(self, image, path):
        os.makedirs(os.path.dirname(f"{self.root}/{path}"), exist_ok=True)
        os.rename(f"{self.root}/{self.paths[image]}", f"{self.root}/{path}")
        self.paths[image] = path

    def pick_small(self):
        old = [i for i in self.old_images() if not self.paths[i].endswith(".rec")]
        return self.random.choice(old) if old else None

    def moment(self):
        self.ended.wait(self.random.choice((0, 0, 0.02, 0.15)))

    def there_and_back(self):
        image = self.pick_small()
        if image is not None:
            path = self.paths[image]
            self.move(image, self.fresh_path())
            self.moment()
            self.move(image, path)

    def on_and_on(self):
        image = self.pick_small()
        if image is not None:
            for _ in range(self.random.randint(2, 4)):
                self.move(image, self.fresh_path())
                self.moment()

    DEEDS = (("add", 10), ("edit", 10), ("touch", 4), ("rename", 20), ("remove", 6),
             ("list_one", 10), ("rename_directory", 3), ("there_and_back", 4), ("on_and_on", 6))


@long_test
@on("s3d")
@deadline(240)
def test_invariant_4_rows_follow_whatever_is_renamed_while_s3_refuses(ctx):
    work = Onwards(ctx.folder("images"), ctx.folder("lists"), seed(), 0.02).prepare(60)
    agent = ctx.agent(images=work.root, lists=work.lists_root,
                      repository={"max_removals": 100000, "max_removal_percent": 100}).start()
    agent.wait_in_step(60)
    chance, until = random.Random(work.random.random()), time.monotonic() + SECONDS
    work.start()
    while time.monotonic() < until:
        ctx.server.fault(op=CHANGES, count=0, percent=100, **REFUSED)
        time.sleep(chance.uniform(1, 3))
        ctx.server.clear_faults()
        time.sleep(chance.uniform(0.1, 1))
    work.finish()
    agent.wait_in_step(90)
    work.assert_rows()
    ctx.client.assert_tree(work.root, "images/")
    ctx.client.assert_tree(work.lists_root, "lists/")
    agent.verify_journal()
