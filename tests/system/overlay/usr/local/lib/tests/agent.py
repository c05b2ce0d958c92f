"""Runs in a guest: does what the host asks, a JSON line each, on a virtio serial port."""

import json
import subprocess
import time
from pathlib import Path

PORT = Path("/dev/virtio-ports/edgehar")

while not PORT.exists():
    time.sleep(0.1)
with PORT.open("r+b", buffering=0) as port:
    print("the agent listens", flush=True)
    waiting = b""
    while True:
        data = port.read(4096)
        if not data:  # the host is not there yet
            time.sleep(0.1)
            continue
        *lines, waiting = (waiting + data).split(b"\n")
        for line in lines:
            asked = json.loads(line)
            try:
                done = subprocess.run(
                    ["/bin/bash", "-c", asked["command"]],
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                    timeout=asked["timeout_s"], check=False,
                )  # fmt: skip
                code, out = done.returncode, done.stdout
            except subprocess.TimeoutExpired as error:
                code, out = 124, error.stdout or b""
            answer = {"number": asked["number"], "code": code, "out": out.decode(errors="replace")}
            rest = memoryview(json.dumps(answer).encode() + b"\n")
            while rest:
                rest = rest[port.write(rest) :]
