"""Runs an accelerator that finn built, over a serial line. Needs numpy and pyserial.

The names are those of FINN's driver: shapes and datatypes as methods with the index of the input or output,
fold_input, pack_input, unpack_output, unfold_output, execute, throughput_test.
"""

import pathlib
import time

import numpy as np

from host_part import HostPart, batched


class DataType:
    """An integer type by FINN's name: BIPOLAR, BINARY, TERNARY, UINT<n>, INT<n>."""

    def __init__(self, name):
        self.name = name
        if name in ("BIPOLAR", "BINARY"):
            self.bits, self.signed = 1, name == "BIPOLAR"
        elif name == "TERNARY":
            self.bits, self.signed = 2, True
        elif name.startswith("UINT") and name[4:].isdigit():
            self.bits, self.signed = int(name[4:]), False
        elif name.startswith("INT") and name[3:].isdigit():
            self.bits, self.signed = int(name[3:]), True
        else:
            raise ValueError(f"{name} is no integer datatype")
        if not 1 <= self.bits <= 62:
            raise ValueError(f"{name} has {self.bits} bits; 1 to 62 are supported")

    def min(self):
        if self.name == "BIPOLAR" or self.name == "TERNARY":
            return -1
        return -(1 << (self.bits - 1)) if self.signed else 0

    def max(self):
        if self.name == "BIPOLAR" or self.name == "TERNARY":
            return 1
        return (1 << (self.bits - self.signed)) - 1

    def bitwidth(self):
        return self.bits

    def __repr__(self):
        return f"DataType[{self.name!r}]"

    def check(self, values):
        """The values as integers; ValueError where one is not of this type."""
        values = np.asarray(values)
        integers = values.astype(np.int64)
        wrong = (integers != values) | (integers < self.min()) | (integers > self.max())
        if self.name == "BIPOLAR":
            wrong |= integers == 0
        if wrong.any():
            raise ValueError(f"{values[wrong].flat[0]} is no {self.name} ({self.min()} to {self.max()})")
        return integers


def pack(values, datatype):
    """Words of the last axis as bytes: element 0 in the least significant bits, zeros above, little-endian."""
    raw = datatype.check(values)
    if datatype.name == "BIPOLAR":
        raw = (raw + 1) >> 1
    *outer, lanes = raw.shape
    size = (lanes * datatype.bits + 7) // 8
    if datatype.bits % 8 == 0:
        each = datatype.bits // 8
        little = np.ascontiguousarray(raw.astype("<i8")).view(np.uint8).reshape(*outer, lanes, 8)
        return np.ascontiguousarray(little[..., :each]).reshape(*outer, size)
    bits = (raw[..., np.newaxis] >> np.arange(datatype.bits)) & 1
    return np.packbits(bits.astype(np.uint8).reshape(*outer, lanes * datatype.bits), axis=-1, bitorder="little")


def unpack(words, datatype, lanes):
    """The inverse of pack: `lanes` integers (int64) from each word."""
    words = np.asarray(words, dtype=np.uint8)
    bits = np.unpackbits(words, axis=-1, count=lanes * datatype.bits, bitorder="little")
    bits = bits.reshape(*words.shape[:-1], lanes, datatype.bits).astype(np.int64)
    raw = bits @ (np.int64(1) << np.arange(datatype.bits, dtype=np.int64))
    if datatype.name == "BIPOLAR":
        return 2 * raw - 1
    if datatype.signed:
        raw = np.where(raw >= 1 << (datatype.bits - 1), raw - (1 << datatype.bits), raw)
    return raw


def crc8(data):
    """CRC-8, x^8 + x^5 + x^4 + 1, least significant bit first, from 255."""
    crc = 0xFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x8C if crc & 1 else 0)
    return crc


class LinkError(Exception):
    """The accelerator does not answer, or not as it should."""


class Link:
    """Requests and replies of the protocol in uart-protocol.md, over a serial port.

    `timeout` is how many seconds the accelerator may take beyond the time on the line; `retries` how often a request
    that was lost or spoilt is sent again; `pause` how long the line is quiet before.
    """

    def __init__(self, port, baudrate, timeout=2.0, retries=2, pause=0.25):
        import serial

        self.baudrate = baudrate
        self.timeout = timeout
        self.retries = retries
        self.pause = pause
        self.serial = serial.Serial(port, baudrate, timeout=timeout, write_timeout=None)
        self.sending = 0.0
        self.waiting = 0.0

    def close(self):
        self.serial.close()

    def request(self, letter, body, reply_bytes):
        """The body of the reply, `reply_bytes` long. Raises LinkError after the last retry."""
        message = letter + bytes(body)
        message += bytes([crc8(message)])
        reason = ""
        for attempt in range(self.retries + 1):
            if attempt > 0:
                # The accelerator gives up a request that pauses, and answers E.
                time.sleep(self.pause)
            self.serial.reset_input_buffer()
            begin = time.perf_counter()
            self.serial.write(message)
            self.serial.flush()
            sent = time.perf_counter()
            self.serial.timeout = self.timeout + 10 * (len(message) + reply_bytes + 2) / self.baudrate
            reply = self.serial.read(2)
            if reply[:1] == letter:
                reply += self.serial.read(reply_bytes)
            self.sending += sent - begin
            self.waiting += time.perf_counter() - sent
            if len(reply) == reply_bytes + 2 and reply[:1] == letter and crc8(reply) == 0:
                return reply[1:-1]
            if reply == b"E" + bytes([crc8(b"E")]):
                reason = "the accelerator received a spoilt request"
            elif len(reply) == 0:
                reason = "no answer"
            else:
                reason = f"a spoilt answer of {len(reply)} bytes"
        raise LinkError(f"{self.serial.port}: {reason} to {letter.decode()}, {self.retries + 1} times")


class FINNExampleOverlay:
    """An accelerator behind a serial port.

    `io_shape_dict` has the keys of FINN's; `host` is the contents of accelerator.json. Frames run one after another
    whatever the batch size is; it only sets the shapes.
    """

    def __init__(self, port, io_shape_dict, host, batch_size=1, baudrate=None, timeout=2.0, retries=2):
        self._io = io_shape_dict
        self._host = host
        folder = pathlib.Path(__file__).parent
        self._before, self._after = (host[side] and HostPart(host[side], folder) for side in ("before", "after"))
        self.batch_size = batch_size
        uart = host["uart"]
        self.fclk_mhz = uart["clock_hz"] / 1e6
        self.link = Link(port, baudrate or uart["baud"], timeout, retries)
        try:
            self._identify(uart)
        except BaseException:
            self.link.close()
            raise

    def _identify(self, uart):
        reply = self.link.request(b"I", b"", 17)
        said = {
            "protocol version": reply[0],
            "design": int.from_bytes(reply[1:5], "little"),
            "input bytes": int.from_bytes(reply[5:9], "little"),
            "output bytes": int.from_bytes(reply[9:13], "little"),
        }
        wanted = {
            "protocol version": uart["version"],
            "design": uart["id"],
            "input bytes": uart["input_bytes"],
            "output bytes": uart["output_bytes"],
        }
        for key, value in wanted.items():
            if said[key] != value:
                raise LinkError(f"the board has another bitstream: {key} {said[key]:#x}, this driver is for {value:#x}")

    def close(self):
        self.link.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def batch_size(self):
        return self._batch_size

    @batch_size.setter
    def batch_size(self, value):
        if value < 1:
            raise ValueError(f"a batch of {value}")
        self._batch_size = value

    @property
    def num_inputs(self):
        return self._io["num_inputs"]

    @property
    def num_outputs(self):
        return self._io["num_outputs"]

    def idt(self, ind=0):
        return DataType(self._io["idt"][ind])

    def odt(self, ind=0):
        return DataType(self._io["odt"][ind])

    def _shape(self, key, ind):
        return (self.batch_size, *self._io[key][ind][1:])

    def ishape_normal(self, ind=0):
        return self._shape("ishape_normal", ind)

    def oshape_normal(self, ind=0):
        return self._shape("oshape_normal", ind)

    def ishape_folded(self, ind=0):
        return self._shape("ishape_folded", ind)

    def oshape_folded(self, ind=0):
        return self._shape("oshape_folded", ind)

    def ishape_packed(self, ind=0):
        return self._shape("ishape_packed", ind)

    def oshape_packed(self, ind=0):
        return self._shape("oshape_packed", ind)

    def ishape_network(self):
        """Shape of the network's own inputs, which the host brings to ishape_normal."""
        return batched(self._before.shape, self.batch_size) if self._before else self.ishape_normal()

    def oshape_network(self):
        return batched(self._after.output_shape, self.batch_size) if self._after else self.oshape_normal()

    def quantize_input(self, values):
        """What the accelerator is fed for these inputs.

        Inputs of the network go through the steps that the host does. Integers of the accelerator's own shape are taken as
        they are, unless the network itself takes integers of that shape.
        """
        values = np.asarray(values)
        if self._before is None:
            return values
        frame, own, network = (
            tuple(shape[1:]) for shape in (values.shape, self.ishape_normal(), self.ishape_network())
        )
        integers = not np.issubdtype(values.dtype, np.floating)
        if integers and frame == own and (self._before.real or own != network):
            return values
        if frame != network:
            raise ValueError(f"an input of shape {values.shape}; the network takes {self.ishape_network()}")
        return self._before.run(values).reshape(len(values), *own)

    def finish_output(self, values):
        """The network's outputs from the accelerator's."""
        return self._after.run(values) if self._after else values

    def fold_input(self, ibuf_normal, ind=0):
        ibuf_normal = np.asarray(ibuf_normal)
        if ibuf_normal.shape != self.ishape_normal(ind):
            raise ValueError(f"an input of shape {ibuf_normal.shape}; ishape_normal is {self.ishape_normal(ind)}")
        return ibuf_normal.reshape(self.ishape_folded(ind))

    def pack_input(self, ibuf_folded, ind=0):
        return pack(ibuf_folded, self.idt(ind)).reshape(self.ishape_packed(ind))

    def unpack_output(self, obuf_packed, ind=0):
        return unpack(obuf_packed, self.odt(ind), self.oshape_folded(ind)[-1])

    def unfold_output(self, obuf_folded, ind=0):
        return np.asarray(obuf_folded).reshape(self.oshape_normal(ind))

    def execute_on_buffers(self, ibuf_packed):
        """Packed outputs of packed inputs, frame by frame."""
        size = self._host["uart"]["output_bytes"]
        frames = np.ascontiguousarray(ibuf_packed, dtype=np.uint8).reshape(self.batch_size, -1)
        replies = [self.link.request(b"X", frame.tobytes(), size) for frame in frames]
        return np.frombuffer(b"".join(replies), dtype=np.uint8).reshape(self.oshape_packed())

    def execute(self, input_npy):
        """Outputs of a batch; a list of one array where the input is a list of one."""
        listed = isinstance(input_npy, (list, tuple))
        if listed and len(input_npy) != self.num_inputs:
            raise ValueError(f"{len(input_npy)} inputs; the accelerator has {self.num_inputs}")
        values = np.asarray(input_npy[0] if listed else input_npy)
        packed = self.pack_input(self.fold_input(self.quantize_input(values)))
        output = self.finish_output(self.unfold_output(self.unpack_output(self.execute_on_buffers(packed))))
        return [output] if listed else output

    def measure(self, frames):
        """Clocks that `frames` frames (1 to 256) take, from the first beat in to the last one out."""
        if not 1 <= frames <= 256:
            raise ValueError(f"{frames} frames; 1 to 256 can be measured")
        return int.from_bytes(self.link.request(b"T", bytes([frames % 256]), 4), "little")

    def throughput_test(self):
        """Speed of the accelerator by its own count of clocks, and what each stage takes on the host.

        The keys are FINN's. runtime, throughput and bandwidths are the accelerator's own, at the rate at which it takes and
        gives frames without a pause; copy_… are times on the serial line.
        """
        shape = self.ishape_normal()
        low, high = self.idt().min(), self.idt().max()
        values = np.random.default_rng(0).integers(low, high, size=shape, endpoint=True)
        if self.idt().name == "BIPOLAR":
            values = np.where(values >= 0, 1, -1)
        result = {}
        times = {}

        def timed(name, function, *arguments):
            begin = time.perf_counter()
            value = function(*arguments)
            times[name] = 1000 * (time.perf_counter() - begin)
            return value

        folded = timed("fold_input[ms]", self.fold_input, values)
        packed = timed("pack_input[ms]", self.pack_input, folded)
        self.link.sending = self.link.waiting = 0.0
        replies = self.execute_on_buffers(packed)
        times["copy_input_data_to_device[ms]"] = 1000 * self.link.sending
        times["copy_output_data_from_device[ms]"] = 1000 * self.link.waiting
        unpacked = timed("unpack_output[ms]", self.unpack_output, replies)
        timed("unfold_output[ms]", self.unfold_output, unpacked)

        interval = (self.measure(256) - self.measure(128)) / 128
        seconds = self.batch_size * interval / (1e6 * self.fclk_mhz)
        result["runtime[ms]"] = 1000 * seconds
        result["throughput[images/s]"] = self.batch_size / seconds
        result["DRAM_in_bandwidth[MB/s]"] = np.prod(self.ishape_packed()) * 1e-6 / seconds
        result["DRAM_out_bandwidth[MB/s]"] = np.prod(self.oshape_packed()) * 1e-6 / seconds
        result["fclk[mhz]"] = self.fclk_mhz
        result["batch_size"] = self.batch_size
        result["interval[cycles]"] = interval
        result.update(times)
        return {key: value if isinstance(value, int) else float(value) for key, value in result.items()}
