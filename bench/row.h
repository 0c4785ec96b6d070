// What the suite measures: rows. This header is all that a file with new rows has to know.
//
// A *problem* is what is computed, for example conv2d/forward/32x64x8x32-128x3x3s1p1: the same
// inputs, the same result. A *way* is who computes it and how: talweg/avx512/auto, onednn/direct,
// ladder/3-tile. A *row* is one way of one problem on so many threads, and is called
// <problem>/<way>/<threads>t; filters match that name.
//
// Rows only describe themselves (so that listing and planning cost nothing) until their problem's
// turn comes. Then the suite calls make() of all its rows, which allocates and fills their buffers;
// checks each against double and against itself on one thread; times them interleaved, one short
// sample of each row in turn, so that what else the machine does falls on all of them alike; prints
// them, with ratios between samples of the same turn; and frees them before the next problem.
//
// A file with rows of its own, say bench/rows_peers.cpp, defines one function, declared in
// bench/rows.h and called in bench/rows.cpp:
//
//   void add_peer_rows(Suite& suite) {
//     for (const ConvCase& c : suite.conv_cases()) {       // the shapes asked for
//       for (const int threads : suite.options().threads) {
//         Row row = conv_row(c, Conv2dFace::forward, "onednn/direct", threads);  // conv_problem.h
//         row.make = [c] { ... return Work{.run = ..., .error = ..., .hash = ...}; };
//         suite.add(std::move(row));
//       }
//     }
//   }
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace talweg::bench {

/// Memory that a row reads or writes, which the suite throws out of the caches before each run when
/// asked for cold ones.
struct Memory {
  const void* data;
  size_t bytes;
};

/// A row that is ready to run. The closures own its buffers (shared pointers), which must be filled
/// already: a page that is touched for the first time during timing costs more than many kernels.
struct Work {
  /// The timed part, once. Must allocate nothing (unless that is what is measured).
  std::function<void()> run;
  /// Relative L2 distance of the last run's output to the result in double. Empty: not checked,
  /// which is for rows whose result is checked elsewhere (a training step).
  std::function<double()> error = {};
  /// A hash of the last run's output (hash_of in buffer.h). The suite compares it with that of one
  /// thread. Empty: the row does not promise the same bits.
  std::function<uint64_t()> hash = {};
  std::vector<Memory> weights = {};  ///< for --cold weights
  std::vector<Memory> others = {};   ///< with the weights, for --cold all
  double bytes = 0;                  ///< the row's, where only make() can know them
  /// What the row has to say of itself: "algorithm wino4", "jit:avx512_core".
  std::string note = {};
};

struct Row {
  std::string problem;
  std::string way;
  int threads = 1;
  /// The instruction set in use ("avx512", "avx2", "portable"): kernels::table<float>() is set to it
  /// during make() and all runs, and it says whose multiply-add peak the row is held against.
  std::string isa;

  double nominal_flop = 0;   ///< of the plain definition, as is the custom
  double executed_flop = 0;  ///< what this way really does; 0: the same as nominal
  double bytes = 0;          ///< compulsory traffic: each in- and output once
  double units = 0;          ///< per run: words, elements, nodes...
  std::string unit = {};     ///< "word", "element": gives words/s, or ns an element

  double error_bound = 0;  ///< a larger error() is a wrong kernel: the row prints no number
  /// Which row of its problem the others are compared with: that of the highest rank (0: never).
  /// Here talweg's direct ways have 1, peers 2.
  int reference_rank = 0;
  /// Names under which the row is found and, with in_sum, counted into the group's sum line.
  std::vector<std::string> groups = {};
  bool in_sum = true;
  /// Belongs to a run without a filter, which should end within a few minutes.
  bool by_default = true;
  /// Belongs to --smoke, which should end within a few seconds.
  bool in_smoke = false;

  /// What the command line needs beside threads, instruction set and filter for the suite to have
  /// this row: "--algo wino2".
  std::string options = {};

  /// Called with `threads` set for OpenMP and `isa` in use, as is every run.
  std::function<Work()> make = {};

  std::string name() const { return problem + "/" + way + "/" + std::to_string(threads) + "t"; }
  double executed() const { return executed_flop > 0 ? executed_flop : nominal_flop; }
};

}  // namespace talweg::bench
