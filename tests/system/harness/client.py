"""Independent readers of a bucket: rclone, the AWS CLI, and a signed client of our own for bulk."""

import hashlib
import json
import os
import subprocess

from . import tree as trees

# FSx for Lustre's names for POSIX properties.
METADATA = ("file-permissions", "file-owner", "file-group", "file-mtime")


class Client:
    """One bucket of one server, as others see it."""

    def __init__(self, server, bucket):
        self.server, self.bucket = server, bucket
        self.signed = server.signed(bucket)

    # --- the real clients -----------------------------------------------------------------------

    def aws(self, *arguments, check=True):
        """The AWS CLI (about a second to start). stdout as text, or the whole result."""
        done = subprocess.run(
            ["/usr/bin/aws", "--endpoint-url", self.server.endpoint, "--no-cli-pager",
             "--output", "json", *arguments],
            capture_output=True, text=True, timeout=120, check=False,
            env=self.server.environment())
        if check and done.returncode != 0:
            raise AssertionError(f"aws {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout if check else done

    def aws_json(self, *arguments):
        """The CLI's answer, read; {} where it said nothing."""
        text = self.aws(*arguments)
        return json.loads(text) if text.strip() else {}

    def rclone(self, *arguments, check=True):
        """rclone; the remote is `s:`. stdout as text, or the whole result."""
        env = self.server.environment(
            RCLONE_CONFIG="/dev/null", RCLONE_CONFIG_S_TYPE="s3",
            RCLONE_CONFIG_S_PROVIDER="Ceph" if self.server.kind == "ceph" else "Other",
            RCLONE_CONFIG_S_ENDPOINT=self.server.endpoint, RCLONE_CONFIG_S_ENV_AUTH="true",
            RCLONE_CONFIG_S_REGION=self.server.region)
        done = subprocess.run(["rclone", *arguments], capture_output=True, text=True, timeout=300,
                              check=False, env=env)
        if check and done.returncode != 0:
            raise AssertionError(f"rclone {' '.join(arguments)}: {done.stderr.strip()[-2000:]}")
        return done.stdout if check else done

    def remote(self, prefix=""):
        """rclone's name of a prefix."""
        return f"s:{self.bucket}/{prefix}".rstrip("/")

    def rclone_check(self, tree, prefix, *options):
        """Compare every byte by rclone. A list of what differs: ["* path", "+ path", "- path"]."""
        done = self.rclone("check", "--download", "--checkers", "8", "--combined", "-", *options,
                           tree, self.remote(prefix), check=False)
        differences = [line for line in done.stdout.split("\n")
                       if line and not line.startswith("= ")]
        if done.returncode != 0 and not differences:
            raise AssertionError("rclone check: " + done.stderr.strip()[-2000:])
        return differences

    # --- bulk -----------------------------------------------------------------------------------

    def keys(self, prefix=""):
        """key -> size."""
        return {key: size for key, (size, _) in self.signed.list(prefix).items()}

    def get(self, key):
        """(bytes, Answer)."""
        answer = self.signed.get(key)
        return answer.body, answer

    def list_differences(self, tree, prefix, ignore=trees.IGNORED):
        """Names, sizes and (of objects of one piece) MD5s of a listing against the tree.
        Cheap: for polling. Empty: the same."""
        files = trees.files(tree, ignore)
        objects = self.signed.list(prefix)
        found = []
        for path in sorted(files):
            size, etag = objects.pop(prefix + path, (None, None))
            if size is None:
                found.append(f"missing in S3: {path}")
            elif size != files[path].st_size:
                found.append(f"size differs: {path}: {files[path].st_size} on disk, {size} in S3")
            elif "-" not in etag and etag != trees.md5(os.path.join(tree, path)):
                found.append(f"bytes differ: {path}")
        return found + [f"only in S3: {key[len(prefix):]}" for key in sorted(objects)]

    def compare_tree(self, tree, prefix, metadata=True, ignore=trees.IGNORED):
        """Every byte and every POSIX property of the tree against S3. A list of differences."""
        files = trees.files(tree, ignore)
        objects = set(self.signed.list(prefix))
        found = [f"missing in S3: {path}" for path in sorted(files)
                 if prefix + path not in objects]
        found += [f"only in S3: {key[len(prefix):]}" for key in sorted(objects)
                  if key[len(prefix):] not in files]
        both = sorted(path for path in files if prefix + path in objects)
        for differences in self.signed.map(
                lambda path: self._compare(tree, prefix, path, metadata), both):
            found += differences
        return found

    def _compare(self, tree, prefix, path, metadata):
        full = os.path.join(tree, path)
        answer = self.signed.get(prefix + path)
        with open(full, "rb") as file:
            here = file.read()
        found = []
        if here != answer.body:
            a, b = hashlib.md5(here).hexdigest(), hashlib.md5(answer.body).hexdigest()
            found.append(f"bytes differ: {path}: MD5 {a} on disk, {b} in S3")
        if metadata:
            expected = expected_metadata(os.stat(full))
            for name in METADATA:
                got = answer.metadata.get(name)
                if got != expected[name]:
                    found.append(f"{name} differs: {path}: {expected[name]} on disk, {got} in S3")
        return found

    def assert_tree(self, tree, prefix, metadata=True, ignore=trees.IGNORED):
        """compare_tree must find nothing."""
        found = self.compare_tree(tree, prefix, metadata, ignore)
        if found:
            more = f"\n... and {len(found) - 20} more" if len(found) > 20 else ""
            raise AssertionError(f"{tree} and {prefix} differ:\n" + "\n".join(found[:20]) + more)


def expected_metadata(st):
    """FSx's properties of a file: mode in octal with the type, ids in decimal, mtime in ns."""
    return {
        "file-permissions": f"0{st.st_mode:o}",
        "file-owner": str(st.st_uid),
        "file-group": str(st.st_gid),
        "file-mtime": f"{st.st_mtime_ns}ns",
    }
