"""Runs in a guest: executes the host's commands, a JSON line each, on a virtio serial port."""

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
        if not data:  # the host has not connected yet
            time.sleep(0.1)
            continue
        *lines, waiting = (waiting + data).split(b"\n")
        for line in lines:
            request = json.loads(line)
            try:
                done = subprocess.run(
                    ["/bin/bash", "-c", request["command"]],
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                    timeout=request["timeout_s"], check=False,
                )  # fmt: skip
                code, out = done.returncode, done.stdout
            except subprocess.TimeoutExpired as error:
                code, out = 124, error.stdout or b""
            text = out.decode(errors="replace")
            answer = {"number": request["number"], "code": code, "out": text}
            rest = memoryview(json.dumps(answer).encode() + b"\n")
            while rest:
                rest = rest[port.write(rest) :]
