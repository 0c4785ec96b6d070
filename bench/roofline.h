// How fast a row could be at best: as fast as its multiply-adds, or as its bytes, whichever is slower.
#pragma once

namespace talweg::bench {

/// Ceilings for a row: of the instruction set and number of threads it uses.
struct Roof {
  double peak_gflops = 0;    ///< 0: not measured, or the row counts no FLOP
  double bandwidth_gbs = 0;  ///< of the level of memory that holds the row's bytes
};

/// Seconds that the executed FLOP and the compulsory bytes take at the least. 0 where neither bounds.
double least_seconds(const Roof& roof, double executed_flop, double bytes);

/// The same as nominal GFLOP/s: min(peak * nominal / executed, nominal / bytes * bandwidth).
double bound_gflops(const Roof& roof, double nominal_flop, double executed_flop, double bytes);

/// Nominal FLOP a byte at which the two ceilings meet.
double ridge(const Roof& roof);

}  // namespace talweg::bench
