"""Reads a repository with python-tuf, over HTTP on loopback, and prints as JSON what it read.

    read_repository.py FOLDER ROOT STATE NAME…

FOLDER has `metadata/` and `targets/`; ROOT is the root that is trusted to begin with; what
python-tuf remembers is in STATE, from one time to the next. The answer:

    {"root": 2, "files": {"NAME": "the bytes as text, or null if there is no such file"}}
"""

import functools
import http.server
import json
import pathlib
import sys
import threading

from tuf.ngclient import Updater


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def main(folder, root, state, names):
    handler = functools.partial(Quiet, directory=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    downloads = state / "downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    updater = Updater(
        str(state),
        f"{url}/metadata/",
        str(downloads),
        f"{url}/targets/",
        bootstrap=pathlib.Path(root).read_bytes(),
    )
    updater.refresh()
    files = {}
    for name in names:
        info = updater.get_targetinfo(name)
        path = info and (updater.find_cached_target(info) or updater.download_target(info))
        files[name] = path and pathlib.Path(path).read_text()
    version = json.loads((state / "root.json").read_bytes())["signed"]["version"]
    print(json.dumps({"root": version, "files": files}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), sys.argv[4:])
