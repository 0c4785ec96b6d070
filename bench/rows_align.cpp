// Rows of the aligner: the free energy of a pair and its gradient, at zero and at finite
// temperature; of a batch on threads; and the sum over all words.
#include <array>
#include <cmath>
#include <limits>
#include <random>

#include "bench/buffer.h"
#include "bench/rows.h"
#include "core/error.h"
#include "ebm/align/batch.h"
#include "ebm/align/partition.h"

namespace talweg::bench {
namespace {

constexpr double kHard = std::numeric_limits<double>::infinity();

/// Labels `c_a_t_` of `length` symbols against energies of `frames` windows.
struct AlignCase {
  int64_t frames, length, alphabet;
  bool by_default;
};
constexpr std::array<AlignCase, 4> kCases{
    {{16, 12, 27, true}, {64, 24, 27, true}, {256, 120, 96, true}, {1000, 400, 96, true}}};

/// Energies ~ N(0, 3) and a label of random letters with BETWEEN, the last symbol, after each.
struct Pair {
  std::vector<float> energies, posterior;
  std::vector<int32_t> label;
  ebm::AlignScratch scratch;
  ebm::AlignResult result;

  Pair(const AlignCase& c, ebm::Topology topology) {
    std::mt19937 random(1);
    std::normal_distribution<float> normal(0, 3);
    energies.resize(c.frames * c.alphabet);
    for (float& e : energies) e = normal(random);
    posterior.resize(energies.size());
    const auto between = static_cast<int32_t>(c.alphabet - 1);
    std::vector<int32_t> word(c.length / 2);
    for (int32_t& a : word) a = static_cast<int32_t>(random() % between);
    label = ebm::expand(word, between, topology);
  }
};

/// Relative error of F and the largest of the posterior against the same in double.
double error_against_double(const Pair& p, const AlignCase& c, double beta,
                            const ebm::PathRule& rule) {
  const std::vector<double> energies(p.energies.begin(), p.energies.end());
  std::vector<double> posterior(energies.size());
  ebm::AlignScratch scratch;
  const ebm::AlignResult exact = ebm::free_energy_of(energies.data(), c.frames, c.alphabet, p.label,
                                                     beta, rule, scratch, posterior.data());
  double worst = std::abs(p.result.energy - exact.energy) / std::abs(exact.energy);
  for (size_t k = 0; k < posterior.size(); ++k) {
    worst = std::max(worst, std::abs(double(p.posterior[k]) - posterior[k]));
  }
  return worst;
}

std::string size_name(const AlignCase& c) {
  return message(c.frames, "x", c.length, "a", c.alphabet);
}

Row pair_row(const AlignCase& c, ebm::Topology topology, double beta, const std::string& isa) {
  Row row;
  row.problem = message("align/", topology == ebm::Topology::ctc ? "ctc-" : "",
                        beta == kHard ? "hard/" : "soft/", size_name(c));
  row.way = "talweg/" + isa;
  row.isa = isa;
  row.units = 1;
  row.unit = "pair";
  row.groups = {"align"};
  row.in_sum = false;
  row.by_default = topology == ebm::Topology::classic;
  row.in_smoke = c.frames == 64;
  row.bytes = double(2 * c.frames * c.alphabet) * sizeof(float);
  row.error_bound = 1e-5;
  row.make = [c, topology, beta] {
    const auto p = std::make_shared<Pair>(c, topology);
    const auto rule = std::make_shared<ebm::PathRule>(ebm::path_rule(topology));
    Work w;
    w.run = [=] {
      p->result = ebm::free_energy_of(p->energies.data(), c.frames, c.alphabet, p->label, beta,
                                      *rule, p->scratch, p->posterior.data());
    };
    w.error = [=] { return error_against_double(*p, c, beta, *rule); };
    w.note = "free energy and gradient of one pair";
    return w;
  };
  return row;
}

/// Pairs shared among threads: of small ones more, to be worth it.
int64_t pairs_of(const AlignCase& c) { return c.frames <= 64 ? 256 : 32; }

Row batch_row(const AlignCase& c, double beta, const std::string& isa, int threads) {
  Row row = pair_row(c, ebm::Topology::classic, beta, isa);
  const int64_t pairs = pairs_of(c);
  row.problem = message("align/batch", pairs, beta == kHard ? "-hard/" : "-soft/", size_name(c));
  row.threads = threads;
  row.units = pairs;
  row.bytes *= double(pairs);
  row.by_default = c.frames == 256;
  row.in_smoke = false;
  row.error_bound = 0;
  row.make = [c, beta, pairs] {
    const auto p = std::make_shared<Pair>(c, ebm::Topology::classic);
    const auto energies = std::make_shared<std::vector<float>>();
    const auto posterior = std::make_shared<std::vector<float>>();
    const auto labels = std::make_shared<ebm::LabelList>();
    for (int64_t b = 0; b < pairs; ++b) {
      energies->insert(energies->end(), p->energies.begin(), p->energies.end());
      labels->add(p->label);
    }
    posterior->resize(energies->size());
    const auto frames = std::make_shared<std::vector<int64_t>>(pairs, c.frames);
    const auto out = std::make_shared<ebm::BatchAlignment>();
    const auto rule = std::make_shared<ebm::PathRule>();
    Work w;
    w.run = [=] {
      ebm::free_energy_batch(static_cast<const float*>(energies->data()), c.frames, c.alphabet,
                             *frames, labels->view(), beta, *rule, *out, posterior->data());
    };
    w.hash = [=] { return hash_of(posterior->data(), std::ssize(*posterior)); };
    w.note = message("free energy and gradient of ", pairs, " pairs");
    return w;
  };
  return row;
}

/// log Z over all words, alone and with the marginals.
Row words_row(bool with_marginals, const std::string& isa) {
  const AlignCase c{64, 24, 96, true};
  Row row = pair_row(c, ebm::Topology::classic, 1.0, isa);
  row.problem = message("align/all-words-", with_marginals ? "marginals" : "logz", "/64a96");
  row.in_smoke = false;
  row.error_bound = 0;
  row.make = [c, with_marginals] {
    const auto p = std::make_shared<Pair>(c, ebm::Topology::classic);
    const auto words = std::make_shared<ebm::WordPosterior>();
    Work w;
    w.run = [=] {
      const ebm::Grammar grammar{static_cast<int32_t>(c.alphabet - 1), ebm::Topology::classic};
      if (with_marginals) {
        words->observe(p->energies.data(), c.frames, c.alphabet, grammar, 1.0);
        words->marginals(p->posterior.data());
      } else {
        words->sum(p->energies.data(), c.frames, c.alphabet, grammar, 1.0);
      }
    };
    w.note = "one image, all words of the grammar";
    return w;
  };
  return row;
}

}  // namespace

void add_align_rows(Suite& suite) {
  for (const std::string& isa : suite.options().isas) {
    for (const AlignCase& c : kCases) {
      for (const double beta : {kHard, 1.0}) {
        suite.add(pair_row(c, ebm::Topology::classic, beta, isa));
        suite.add(pair_row(c, ebm::Topology::ctc, beta, isa));
        for (const int threads : suite.options().threads) {
          suite.add(batch_row(c, beta, isa, threads));
        }
      }
    }
    suite.add(words_row(false, isa));
    suite.add(words_row(true, isa));
  }
}

}  // namespace talweg::bench
