// The options --topology, --beta and --loss of the subcommands that train.
#pragma once

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

#include "core/error.h"
#include "ebm/losses/word_losses.h"
#include "ocr/annealing.h"

namespace talweg::ocr::cli {

inline void add_topology_option(CLI::App& command, std::string& topology) {
  command
      .add_option("--topology", topology,
                  "How windows spell a word: classic (a gap after every letter), margins (gaps "
                  "around the word too), ctc (gaps only where letters repeat)")
      ->check(CLI::IsMember({"classic", "margins", "ctc"}))
      ->capture_default_str();
}

/// Without --beta: what the loss asks for.
inline BetaSchedule beta_of(const std::string& beta, ebm::WordLoss loss) {
  if (!beta.empty()) return BetaSchedule::parse(beta);
  return ebm::needs_temperature(loss) ? BetaSchedule{1, 1} : BetaSchedule();
}

/// What was said of a loss beside its name. Empty: not said, which is not the same as the usual value:
/// only what was said can contradict the loss.
struct LossNumbers {
  std::optional<double> margin;
  std::optional<int64_t> negatives;
};

inline void add_loss_options(CLI::App& command, std::string& loss, LossNumbers& numbers) {
  const ebm::WordLossOptions usual;
  const auto& names = ebm::word_loss_names();
  command
      .add_option("--loss", loss,
                  "What words are taught by: the best path against other letters (path-ce), all "
                  "paths (forward-ce), all other words (nll, perceptron), the most offending wrong "
                  "word (hinge, log, square-square, simple, mce) or several (infonce)")
      ->check(CLI::IsMember(std::vector<std::string>(names.begin(), names.end())))
      ->capture_default_str();
  command
      .add_option("--margin", numbers.margin,
                  "Of hinge, square-square and simple: the energy between right and wrong")
      ->check([](const std::string& text) {
        // A NaN is not above 0 either; what is no number CLI11 refuses itself.
        char* end = nullptr;
        const double margin = std::strtod(text.c_str(), &end);
        return *end == 0 && !(margin > 0 && margin < HUGE_VAL)
                   ? "the margin is " + text + "; it must be a number above 0"
                   : std::string();
      })
      ->default_str(message(usual.margin));
  command.add_option("--negatives", numbers.negatives, "Of infonce: wrong words a sample")
      ->check(CLI::Range(1, 1000))
      ->default_str(message(usual.negatives));
}

inline void add_beta_option(CLI::App& command, std::string& beta) {
  command
      .add_option(
          "--beta", beta,
          "Inverse temperature of the aligner: inf (the best path alone), 1 (all paths), or "
          "rising while training, as in 0.3:10 or 0.3:inf; inf if not given, 1 for the losses "
          "forward-ce and nll")
      ->check([](const std::string& text) {
        try {
          BetaSchedule::parse(text);
          return std::string();
        } catch (const Error& e) {
          return std::string(e.what());
        }
      });
}

}  // namespace talweg::ocr::cli
