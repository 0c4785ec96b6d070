// Steps on several micro-batches: the same bits, whoever runs which.
#include "nn/shared_step.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <thread>

#include "tests/nn/thread_ranks.h"
#include "tests/nn/toy.h"

namespace talweg::nn {
namespace {

// --- the tree ---

/// The sum of parts whose association shows: 1 and numbers that a 1 swallows, in one order or another.
std::vector<std::vector<float>> tree_sums(int parts, const std::vector<int>& owners, int size) {
  std::vector<std::vector<float>> sums(std::size_t(size), std::vector<float>(3));
  run_ranks(size, [&](Communicator& ranks) {
    TreeSum<float> sum(ranks, owners);
    for (int again = 0; again < 2; ++again) {
      sum(sums[std::size_t(ranks.rank())], [&](int part, std::span<float> to) {
        Rng rng = Rng(1).split(uint64_t(part));
        for (float& x : to) x = float(rng.normal() * std::exp(10 * rng.normal()));
      });
    }
  });
  CHECK(parts == int(owners.size()));
  return sums;
}

TEST_CASE("a tree's sum has the same bits, whoever has which part") {
  for (const int parts : {1, 2, 3, 4, 5, 7, 8, 12}) {
    CAPTURE(parts);
    const std::vector<float> alone = tree_sums(parts, std::vector<int>(parts, 0), 1)[0];
    for (int size = 1; size <= std::min(parts, 5); ++size) {
      CAPTURE(size);
      for (const auto& sum : tree_sums(parts, shared_evenly(parts, size), size)) {
        CHECK(sum == alone);
      }
    }
    Rng rng(uint64_t(parts) + 7);
    for (int trial = 0; trial < 5; ++trial) {  // anybody's, in any order; some have none
      std::vector<int> owners;
      for (int p = 0; p < parts; ++p) owners.push_back(int(rng.below(4)));
      for (const auto& sum : tree_sums(parts, owners, 4)) CHECK(sum == alone);
    }
  }
}

TEST_CASE("a tree adds up neighbours first") {
  Alone alone;
  TreeSum<float> sum(alone, std::vector<int>(4, 0));
  const float parts[] = {1e8f, 4, 4, 4};  // one 4 beside 1e8 is rounded away, 8 and 12 are not
  float total = 0;
  sum(std::span(&total, 1), [&](int part, std::span<float> to) { to[0] = parts[part]; });
  CHECK(total == (1e8f + 4) + (4.0f + 4.0f));
  CHECK(total != ((1e8f + 4) + 4) + 4);
}

TEST_CASE("parts are shared evenly, neighbours together") {
  CHECK(shared_evenly(6, 4) == std::vector<int>{0, 1, 1, 2, 3, 3});
  CHECK(shared_evenly(4, 4) == std::vector<int>{0, 1, 2, 3});
  CHECK(shared_evenly(3, 1) == std::vector<int>{0, 0, 0});
}

TEST_CASE("a broadcast reaches all, and values that differ are named") {
  for (int size = 1; size <= 6; ++size) {
    run_ranks(size, [&](Communicator& ranks) {
      CHECK(ranks.broadcast(ranks.rank() == 0 ? 42 : ranks.rank()) == 42);
      expect_alike(ranks, "the data", "words");
    });
  }
  std::string said;
  run_ranks(2, [&](Communicator& ranks) {
    try {
      expect_alike(ranks, "the data", ranks.rank() == 0 ? "words" : "lines");
    } catch (const Error& e) {
      said = e.what();
    }
  });
  CHECK(said ==
        "the data: 'lines' here, 'words' in process 0; what processes train together must be "
        "the same in all");
}

// --- steps ---

/// All that a run leaves behind.
template <class T> struct Left {
  std::vector<T> parameters, moments;
  std::vector<double> losses;
  std::vector<std::array<int64_t, 2>> counts;
  uint64_t rng = 0;
  bool operator==(const Left&) const = default;
};

/// Trains in [first, end), going on from `left` where first > 0.
template <class T>
Left<T> train_bars(Communicator* ranks, int micro_batches, int64_t end, bool plain = false) {
  BarNet<T> bars(5);
  Tape<T> tape;
  auto context = Context<T>::for_training(tape, bars.parameters, Rng(5));
  AdamW<T> optimizer(bars.parameters);
  Training<T> training = bars.training(5, end);
  training.micro_batches = micro_batches;
  int64_t batches = 0;
  training.count = [&] { return std::array<int64_t, 2>{16, ++batches % 3}; };
  Left<T> left;
  training.on_step = [&](const StepReport& r) {
    left.losses.push_back(r.loss);
    left.counts.push_back(r.counts);
    return ranks != nullptr && ranks->rank() > 0 ? r.step < 2
                                                 : r.step + 2 < end;  // 0's answer holds
  };
  const int64_t next = plain ? train(context, optimizer, training, 0, end)
                             : train_shared(context, optimizer, training, *ranks, 0, end);
  CHECK(next == end - 1);
  left.parameters = flat(bars.parameters);
  for (const auto& slot : optimizer.state().slots) {
    for (const auto& m : slot.by_id) {
      left.moments.insert(left.moments.end(), m.values().begin(), m.values().end());
    }
  }
  left.rng = context.rng().counter();
  return left;
}

TEST_CASE_TEMPLATE("one micro-batch is a plain step, bit for bit", T, float, double) {
  Alone alone;
  CHECK(train_bars<T>(&alone, 1, 12) == train_bars<T>(nullptr, 1, 12, true));
}

TEST_CASE_TEMPLATE("any number of processes trains the same bits", T, float, double) {
  for (const int micro_batches : {2, 4, 5}) {
    CAPTURE(micro_batches);
    const Left<T> one = train_bars<T>(nullptr, micro_batches, 8, true);
    CHECK(one.rng == uint64_t(7 * micro_batches));
    for (int size = 1; size <= micro_batches; ++size) {
      CAPTURE(size);
      std::vector<Left<T>> left(static_cast<std::size_t>(size));
      run_ranks(size, [&](Communicator& ranks) {
        left[std::size_t(ranks.rank())] = train_bars<T>(&ranks, micro_batches, 8);
      });
      for (const Left<T>& l : left) {
        CHECK(l.parameters == one.parameters);
        CHECK(l.moments == one.moments);
        CHECK(l.losses == one.losses);
        CHECK(l.rng == one.rng);
        CHECK(l.counts.front()[0] == 16 * micro_batches);
      }
    }
  }
}

/// y = w x, squared; batch b has the one number x = b + 1, or, at `bad`, infinity.
struct Squares {
  explicit Squares(int micro_batches, int64_t bad = -1) {
    training.micro_batches = micro_batches;
    training.schedule = [](int64_t) { return 0.25; };
    training.loss = [this, bad](int64_t batch, Context<double>& c) {
      batches.push_back(batch);
      const double inf = std::numeric_limits<double>::infinity();
      const Var<double> x =
          c.tape().constant(Tensor<double>({1}, batch == bad ? inf : double(batch + 1)));
      return sum(norm.forward(c, reshape(c.leaf(w) * x, {1, 1}))) + sum(c.leaf(w) * x);
    };
  }

  Parameters<double> p;
  const int w = p.add("w", Tensor<double>({1}, 1.0), ParameterKind::weight);
  const BatchNorm<double> norm{p, "norm", 1};
  Tape<double> tape;
  Context<double> context = Context<double>::for_training(tape, p, Rng(1));
  Sgd<double> sgd{p};
  Training<double> training;
  std::vector<int64_t> batches;
};

TEST_CASE("a step takes the mean of gradients, losses and running averages") {
  Squares s(4);
  double loss = 0;
  s.training.on_step = [&](const StepReport& r) {
    loss = r.loss;
    return true;
  };
  train(s.context, s.sgd, s.training, 1, 2);
  CHECK(s.batches == std::vector<int64_t>{4, 5, 6, 7});
  const double mean = (5 + 6 + 7 + 8) / 4.0;
  CHECK(loss == doctest::Approx(mean));
  CHECK(s.p[s.w].value[0] == doctest::Approx(1 - 0.25 * mean));
  CHECK(s.p[s.norm.running_mean()].value[0] == doctest::Approx(0.1 * mean));
}

TEST_CASE("a micro-batch that is not finite is named, and nothing is changed") {
  Squares s(4, 6);
  std::string said;
  try {
    train(s.context, s.sgd, s.training, 0, 2);
  } catch (const Error& e) {
    said = e.what();
  }
  CHECK(said.find("[train] step 1, micro-batch 3 of 4: the loss is") == 0);
  CHECK(said.find("[anomaly] constant") != std::string::npos);
  Squares first(4);
  train(first.context, first.sgd, first.training, 0, 1);
  CHECK(flat(s.p) == flat(first.p));
  CHECK(s.context.rng().counter() == first.context.rng().counter());
  CHECK(s.sgd.state().steps == 1);
}

TEST_CASE("more processes than micro-batches are refused") {
  run_ranks(3, [](Communicator& ranks) {
    Squares s(2);
    CHECK_THROWS_WITH_AS(
        train_shared(s.context, s.sgd, s.training, ranks, 0, 1),
        "[train] 3 processes can't share 2 micro-batches a step; start fewer, or make "
        "more micro-batches",
        Error);
  });
}

}  // namespace
}  // namespace talweg::nn
