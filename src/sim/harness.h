// Drives the AXI-Streams of circuits, one clock cycle after another: the same for every compiled simulator. A binding
// (generated: cxxrtl-binding.ts, verilator-binding.ts) gives one struct for each circuit:
//   static constexpr int inputs, outputs;             streams; inputs come first
//   static constexpr unsigned words[];                32-bit words of one beat of each stream
//   void present(int i, bool valid, const uint32_t *beat);   tvalid and tdata of input i
//   void accept(int o, bool ready);                           tready of output o
//   void reset(bool active);                                  ap_rst_n
//   void settle();                                            clock low, combinational logic settled
//   void edge();                                              rising edge of ap_clk
//   bool ready(int i); bool valid(int o); void data(int o, uint32_t *beat);   what settle() led to
//
// A job is little-endian 32-bit words: number of runs; for each run the circuit, cycle limit, idle limit and drain,
// then for each stream stall threshold (of 2^32), seed and number of beats, and for inputs the beats.
// A report: for each run how it ended (0 done, 1 deadlock, 2 limit) and its cycles, then for each stream the number of
// beats, starved cycles, blocked cycles, violations, the cycle of every beat, and for outputs the beats.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

namespace finn {

typedef std::vector<uint32_t> Words;

enum Ended : uint32_t { Done, Deadlock, Limit };

/** Cycles of reset before cycle 0. */
constexpr int resetCycles = 8;

struct Stream {
  uint32_t threshold = 0;
  uint32_t random = 1;
  uint32_t count = 0;
  uint32_t starved = 0;
  uint32_t blocked = 0;
  uint32_t violations = 0;
  /** Inputs: tvalid is high. Outputs: the beat of the last cycle was not taken. */
  bool held = false;
  /** tready of an output. */
  bool ready = false;
  const uint32_t *send = nullptr;
  Words times;
  Words beats;
  Words last;

  /** xorshift32 (Marsaglia 2003), advanced once a cycle on every stream that stalls at all. */
  bool stalls() {
    if (threshold == 0) return false;
    random ^= random << 13;
    random ^= random >> 17;
    random ^= random << 5;
    return random < threshold;
  }
};

template <class Circuit> const uint32_t *run(const uint32_t *job, Words &report) {
  constexpr int total = Circuit::inputs + Circuit::outputs;
  const uint64_t limit = job[0];
  const uint64_t idle = job[1];
  uint64_t drain = job[2];
  job += 3;
  Stream streams[total];
  for (int s = 0; s < total; s++) {
    Stream &stream = streams[s];
    stream.threshold = *job++;
    stream.random = *job++;
    stream.count = *job++;
    stream.times.reserve(stream.count);
    stream.last.assign(Circuit::words[s], 0);
    if (s >= Circuit::inputs) {
      stream.beats.reserve((size_t)stream.count * Circuit::words[s]);
      continue;
    }
    stream.send = job;
    job += (size_t)stream.count * Circuit::words[s];
  }

  // On the heap: the state of a circuit with block RAMs may be larger than the stack.
  std::unique_ptr<Circuit> circuit(new Circuit());
  circuit->reset(true);
  for (int i = 0; i < Circuit::inputs; i++) circuit->present(i, false, streams[i].last.data());
  for (int o = 0; o < Circuit::outputs; o++) circuit->accept(o, false);
  for (int cycle = 0; cycle < resetCycles; cycle++) {
    circuit->settle();
    circuit->edge();
  }
  circuit->reset(false);

  Words beat(64);
  for (int o = 0; o < Circuit::outputs; o++)
    if (beat.size() < Circuit::words[Circuit::inputs + o]) beat.resize(Circuit::words[Circuit::inputs + o]);
  /** Streams that have not moved all their beats. */
  int open = 0;
  for (int s = 0; s < total; s++) open += streams[s].count > 0;
  uint64_t cycle = 0;
  /** The cycle after the last beat. */
  uint64_t active = 0;
  Ended ended = open == 0 && drain == 0 ? Done : Limit;

  for (; ended == Limit && cycle < limit; cycle++) {
    for (int i = 0; i < Circuit::inputs; i++) {
      Stream &stream = streams[i];
      const bool stall = stream.stalls();
      if (stream.held) continue;
      const size_t sent = stream.times.size();
      const unsigned words = Circuit::words[i];
      if (sent < stream.count && !stall) {
        stream.held = true;
        circuit->present(i, true, stream.send + sent * words);
      } else {
        // What is on tdata while tvalid is low must not matter: give the complement of the last beat.
        if (sent > 0)
          for (unsigned w = 0; w < words; w++) stream.last[w] = ~stream.send[(sent - 1) * words + w];
        circuit->present(i, false, stream.last.data());
      }
    }
    for (int o = 0; o < Circuit::outputs; o++) {
      Stream &stream = streams[Circuit::inputs + o];
      stream.ready = !stream.stalls();
      circuit->accept(o, stream.ready);
    }
    circuit->settle();

    for (int i = 0; i < Circuit::inputs; i++) {
      Stream &stream = streams[i];
      if (!stream.held) {
        stream.starved += stream.times.size() < stream.count;
      } else if (circuit->ready(i)) {
        stream.held = false;
        stream.times.push_back((uint32_t)cycle);
        active = cycle + 1;
        open -= stream.times.size() == stream.count;
      } else {
        stream.blocked++;
      }
    }
    for (int o = 0; o < Circuit::outputs; o++) {
      Stream &stream = streams[Circuit::inputs + o];
      const unsigned words = Circuit::words[Circuit::inputs + o];
      if (!circuit->valid(o)) {
        stream.violations += stream.held;
        stream.held = false;
        stream.starved += stream.times.size() < stream.count;
        continue;
      }
      circuit->data(o, beat.data());
      if (stream.held) stream.violations += std::memcmp(beat.data(), stream.last.data(), words * 4) != 0;
      stream.held = !stream.ready;
      if (stream.held) {
        std::memcpy(stream.last.data(), beat.data(), words * 4);
        stream.blocked++;
      } else {
        stream.times.push_back((uint32_t)cycle);
        stream.beats.insert(stream.beats.end(), beat.begin(), beat.begin() + words);
        active = cycle + 1;
        open -= stream.times.size() == stream.count;
      }
    }
    circuit->edge();

    // Beats beyond those that are due are looked for in `drain` further cycles.
    if (open == 0) {
      if (drain == 0) ended = Done;
      else drain--;
    } else if (cycle + 1 - active >= idle) {
      ended = Deadlock;
    }
  }

  report.push_back(ended);
  report.push_back((uint32_t)(ended == Done ? active : cycle));
  for (const Stream &stream : streams) {
    report.push_back((uint32_t)stream.times.size());
    report.push_back(stream.starved);
    report.push_back(stream.blocked);
    report.push_back(stream.violations);
    report.insert(report.end(), stream.times.begin(), stream.times.end());
    report.insert(report.end(), stream.beats.begin(), stream.beats.end());
  }
  return job;
}

/** One run of the circuit with this number; gives back where the next run of the job begins. */
const uint32_t *dispatch(uint32_t circuit, const uint32_t *job, Words &report);

inline void runAll(const uint32_t *job, Words &report) {
  report.clear();
  uint32_t runs = *job++;
  for (; runs > 0; runs--) {
    const uint32_t circuit = *job++;
    job = dispatch(circuit, job, report);
  }
}

} // namespace finn
