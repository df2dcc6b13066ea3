"""The driver of one accelerator that finn built.

    from driver import FINNAccelerator
    accel = FINNAccelerator(port="/dev/ttyUSB1")
    y = accel.execute(x)    # x of shape accel.ishape_network(), or integers of shape accel.ishape_normal()

    python3 driver.py --port /dev/ttyUSB1 --inputfile input.npy --outputfile output.npy
"""

import argparse
import json
import pathlib

import numpy as np

from driver_base import FINNExampleOverlay

io_shape_dict = None  # set by finn


class FINNAccelerator(FINNExampleOverlay):
    """This accelerator at a serial port: /dev/ttyUSB1, COM4, or a pseudo-terminal."""

    def __init__(self, port, batch_size=1, baudrate=None, timeout=2.0, retries=2):
        host = json.loads((pathlib.Path(__file__).parent / "accelerator.json").read_text())
        super().__init__(port, io_shape_dict, host, batch_size, baudrate, timeout, retries)


def main():
    parser = argparse.ArgumentParser(description="Runs the accelerator on a .npy file, or measures its speed.")
    parser.add_argument("--exec_mode", choices=["execute", "throughput_test"], default="execute")
    parser.add_argument("--port", required=True, help="serial port of the board")
    parser.add_argument("--batchsize", type=int, help="frames; by default all of the input file, or 1")
    parser.add_argument("--inputfile", default="input.npy", help="first axis: the frames")
    parser.add_argument("--outputfile", default="output.npy")
    parser.add_argument("--baudrate", type=int, help="if it is not the one that the bitstream was built for")
    parser.add_argument("--timeout", type=float, default=2.0, help="seconds that the accelerator may take")
    options = parser.parse_args()

    with FINNAccelerator(options.port, options.batchsize or 1, options.baudrate, options.timeout) as accel:
        if options.exec_mode == "throughput_test":
            metrics = accel.throughput_test()
            pathlib.Path("nw_metrics.txt").write_text(str(metrics))
            print(metrics)
            return
        values = np.load(options.inputfile)
        if options.batchsize is not None:
            values = values[: options.batchsize]
        accel.batch_size = len(values)
        if values.shape not in (accel.ishape_network(), accel.ishape_normal()):
            values = values.reshape(accel.ishape_network())
        np.save(options.outputfile, accel.execute(values))


if __name__ == "__main__":
    main()
