"""Opens a pseudo-terminal, prints its name and a newline, then passes bytes: stdin to it, from it to stdout."""

import os
import select
import tty

master, slave = os.openpty()
tty.setraw(slave)
os.write(1, os.ttyname(slave).encode() + b"\n")
while True:
    ready, _, _ = select.select([0, master], [], [])
    if 0 in ready:
        data = os.read(0, 4096)
        if not data:
            break
        os.write(master, data)
    if master in ready:
        os.write(1, os.read(master, 4096))
