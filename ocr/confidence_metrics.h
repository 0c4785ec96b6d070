// Does a reader know when it is right? What its confidences are worth.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ocr/metrics.h"

namespace talweg::ocr {

/// How sure a reader was of a word, from 0 to 1, and whether that word was right.
struct JudgedConfidence {
  double confidence = 0;
  bool right = false;
};

/// The words whose confidence lies in (low, high]; in the first bin, 0 too.
struct ConfidenceBin {
  double low = 0, high = 0;
  int64_t words = 0;
  double confidence = 0;  ///< their mean confidence; 0 where there are none
  double accuracy = 0;    ///< the share of them that is right; 0 where there are none
};

struct ConfidenceScore {
  int64_t words = 0;
  double ece = 0;
  double ece_by_chance = 0;     ///< what an honest reader's ECE stays below, 95 times in 100
  std::optional<double> auroc;  ///< none where all are right, or all wrong
  Interval auroc_interval;      ///< percentile bootstrap over words, of samples that have one
  std::vector<ConfidenceBin> bins;
};

/// Two questions about confidences c_i of words that are right (r_i = 1) or wrong (r_i = 0).
///
/// Can they be taken at their word? The expected calibration error, with `bins` bins of equal width,
///   ECE = sum_b n_b / n |mean of r in b - mean of c in b|,
/// 0 at best. Source: Guo, Pleiss, Sun and Weinberger 2017, "On Calibration of Modern Neural Networks",
/// equation 3, with their 15 bins. A sample's ECE is above 0 even where every confidence holds, the more
/// so the fewer words a bin has: so `ece_by_chance` is the 95 % quantile of the ECE where each word is right
/// with just the probability that it claims (consistency resampling: Bröcker and Smith 2007, "Increasing
/// the reliability of reliability diagrams"). An ECE below it is no evidence against the confidences.
///
/// Do they tell right from wrong? The area under the receiver operating characteristic,
///   AUROC = P(c of a right word > c of a wrong one) + P(they are equal) / 2,
/// 1 at best, 1/2 for a confidence that knows nothing. Source: Hanley and McNeil 1982, Radiology 143:29.
///
/// Equal seeds give equal intervals. Throws Error for confidences outside [0, 1], where there is no word,
/// and for fewer than one bin or resample.
ConfidenceScore score_confidences(std::span<const JudgedConfidence> words, uint64_t seed = 1,
                                  int bins = 15, int resamples = 1000);

}  // namespace talweg::ocr
