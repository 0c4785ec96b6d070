#include "ebm/lab/questions.h"

#include <algorithm>

#include "core/error.h"

namespace talweg::ebm::lab {

const std::vector<Question>& questions() {
  static const std::vector<Question> all{
      {"How can an energy-based model represent a mapping from one x to many y?",
       "F(x, y) scores every pair, so for one x any number of y may have low energy: the answers "
       "are "
       "all the minima of F(x, ·), not the one value of a function. A function g(x) must settle "
       "for "
       "one, and trained by squared error it settles for the mean, which may be no answer at all.",
       {},
       "ebm/energy.h, ebm/minima.h",
       "\"Other models output an average\": squared error does, absolute error gives a median, and "
       "a "
       "softmax or a mixture averages nothing.",
       {{"E6", "answers"}, {"E6", "regression's answer"}}},
      {"How does it differ from a model that outputs probabilities?",
       "Energies need not be normalised, nor even be normalisable: reading and ranking use only "
       "their "
       "order. A probability p(y|x) asks for Z(x), a sum over every y, and pays with it for "
       "comparing "
       "different x; an energy model may skip that, and may choose losses that never touch Z.",
       {},
       "ebm/energy.h, ebm/gibbs.h, ebm/quadrature.h",
       "\"An energy is a log-probability\": only up to β and a constant for each x, and only where "
       "Z "
       "is finite; the quadrature here refuses the others by name.",
       {{"E3", "gap after"}}},
      {"How does one get p(y|x) from F(x, y)?",
       "By the Gibbs distribution p(y|x) = exp(-β F(x, y)) / Z(x), Z(x) = Σ over y, or ∫ dy, of "
       "exp(-β F(x, y)). It exists where Z is finite. β says how many nats one unit of energy is "
       "worth.",
       {"β → ∞: all mass on arg min F;  β → 0: uniform, where there is a uniform",
        "d(-log Z)/dβ = ⟨F⟩,  d²(log Z)/dβ² = Var F"},
       "ebm/gibbs.h, ebm/sampling/, ebm/align/partition.h (all words, exactly)",
       "Writing exp(-F) and forgetting β, or the measure dy: then the temperature that the loss "
       "uses "
       "and the one that sampling uses can differ without anybody noticing.",
       {{"E6", "probability of y > 0"}, {"E10", ""}}},
      {"What is the loss for, and what is the energy for?",
       "The energy is minimised over y (and z) at inference, with the weights held. The loss is "
       "minimised over the weights in training, and measures how good the energy's shape is: the "
       "right answer below the wrong ones. They are different functions of different variables.",
       {},
       "ebm/inference.h, ebm/losses/",
       "\"Training minimises the energy\": that is one loss of many, the energy loss, and it keeps "
       "no "
       "margin.",
       {{"E5", "energy: margin kept"}, {"E5", "hinge: margin kept"}}},
      {"What goes wrong when only positive examples push energies down, and what avoids it?",
       "Nothing then holds the other energies up. Whether the energy collapses is the "
       "architecture's "
       "business: |f(x) - g(y)|² becomes constant, a free table sinks without end, and |y - g(x)|² "
       "cannot collapse, its shape in y being fixed. Negatives, a normalised loss, or a limit on "
       "the "
       "volume of low energy cure it.",
       {},
       "ebm/energies/, ebm/losses/negatives.h, ebm/regularizers.h",
       "\"The output becomes constant and the energy 0\": only for some architectures, and 0 only "
       "where F ≥ 0.",
       {{"E1", "linear embeddings: length"},
        {"E1", "table, positives alone"},
        {"E1", "|y - g(x)|², positives alone: deviation"}}},
      {"Which three methods shape an energy?",
       "Push down on the data; push up elsewhere (contrastive: chosen or sampled wrong answers, or "
       "all "
       "of them through Z); limit how much can be low at once, by architecture or by a regulariser "
       "(a bounded latent, a gradient penalty, energies held small).",
       {},
       "ebm/losses/pair_losses.h, ebm/losses/label_losses.h, ebm/regularizers.h, ebm/latent.h",
       "Counting score matching as a regulariser: it is an estimator, another loss, that needs no "
       "Z.",
       {{"E1", "table, with λ F²"},
        {"E1", "table, hinge"},
        {"E7", "a latent free to be any point"}}},
      {"What does a loss that uses negatives guarantee?",
       "The hinge [m + F(y) - F(ȳ)]₊ is 0 exactly where the wrong answer lies m above the right "
       "one, "
       "one-sided: with the most offending ȳ that is every wrong answer. InfoNCE is the NLL of the "
       "right one among K + 1 candidates; log(K + 1) minus it bounds the mutual information from "
       "below, and with all wrong answers it is the NLL.",
       {"hinge: ∂F(y) = 1, ∂F(ȳ) = -1 where m + F(y) - F(ȳ) > 0, else 0",
        "InfoNCE: ∂F(y) = β (1 - p), ∂F(ȳ_k) = -β p_k"},
       "ebm/losses/pair_losses.h, ebm/losses/label_losses.h, ebm/align/wrong_words.h",
       "\"0 where the energies are m apart\": m apart the wrong way round costs 2 m. And InfoNCE "
       "is "
       "not NCE, which knows its noise's density and estimates Z.",
       {{"E5", "hinge from"}, {"E11", "edits a word that hinge saves over characters"}}},
      {"How is inference done, with and without a latent variable?",
       "ỹ(x) = arg min_y F(x, y), by enumeration, a dynamic programme, or descent, which finds a "
       "local "
       "minimum only. With a latent, F(x, y) = min_z G(x, y, z), so ỹ = arg min_y min_z G; the "
       "soft "
       "version F_β = -(1/β) log ∫ exp(-β G) dz counts how many z do well, not only the best.",
       {"min_z G - log(number of z)/β ≤ F_β ≤ min_z G   (z one of finitely many)",
        "y ← y - η ∂G/∂y and z ← z - η ∂G/∂z: each has an update of its own"},
       "ebm/inference.h, ebm/latent.h, ebm/align/alignment.h",
       "\"z̃ = arg min_z is the answer\": z̃ depends on y, which is what is asked for.",
       {{"E7", "F_β under the minimum"},
        {"E7", "radius learned by the minimum"},
        {"E7", "radius learned softly"}}},
      {"The Gibbs distribution over n classes, with β",
       "p(y|x) = exp(-β F(x, y)) / Σ_k exp(-β F(x, k)). It is the softmax of -β F: adding c(x) to "
       "all "
       "energies changes nothing, multiplying β multiplies all gaps.",
       {},
       "ebm/gibbs.h, core/ops/softmax.h",
       {},
       {{"E4", "F1 - F0"}}},
      {"The NLL of the right label, step by step, times 1/β",
       "It is the right answer's energy minus the free energy of all answers, which lies between "
       "the "
       "least energy minus log n / β and the least energy.",
       {"-log p(y|x) = -log [exp(-β F_y) / Σ_k exp(-β F_k)]",
        "            = β F_y + log Σ_k exp(-β F_k)",
        "times 1/β:  L = F_y + (1/β) log Σ_k exp(-β F_k)  =  F_y - F_β(x)",
        "β → ∞:      L → F_y - min_k F_k, the generalised perceptron's loss"},
       "ebm/losses/label_losses.h (nll_loss, both units)",
       {},
       {{"E3", "NLL/β minus perceptron, at most"}}},
      {"Its gradient in W; when is it intractable, and what then?",
       "Down on the observed answer, up on all answers by their probability, the observed one "
       "included: a net force 1 - p_y on it and p_k on each other. The expectation is the hard "
       "part: "
       "exact for few answers or structured ones (all words of an aligner: one pass), else sampled "
       "by chains (biased while they are short), weighted, or avoided (NCE, score matching).",
       {"∂L/∂W = ∂F_y/∂W + (1/β) Σ_k exp(-β F_k) (-β ∂F_k/∂W) / Z",
        "      = ∂F_y/∂W - Σ_k p(k|x) ∂F_k/∂W",
        "so ∂L/∂F_k = [k = y] - p_k, and these sum to 0 over k"},
       "ebm/losses/label_losses.h, ebm/losses/sampled_nll.h, ebm/losses/score_matching.h, "
       "ebm/align/word_ops.h",
       "\"The second term is about incorrect answers, and improbable ones are pushed to "
       "infinity\": it "
       "is over all answers, strong on a low wrong energy and fading on a high one. And "
       "\"structured "
       "y is intractable\": not where a dynamic programme sums it.",
       {{"E8", ""}, {"E9", ""}, {"E11", "edits a word that nll saves over characters"}}},
      {"Why does NLL drive gaps without bound, and what tempers the cliffs?",
       "The gradient 1 - p_y never is 0, so the gap grows by (1/β) log t with the steps t, "
       "whatever "
       "the distance of the two answers: nothing in NLL knows |y - ȳ|, so the slope between "
       "neighbours grows like (log t)/h. A gradient penalty bounds the slope, noise in the labels "
       "or "
       "smoothing bounds the gap; a smaller β only asks for larger gaps.",
       {"two answers, gap Δ: dΔ/dt = 2 (1 - p) = 2/(1 + exp(β Δ)), so exp(β Δ) ~ 2 β t",
        "with (λ/2) ∫ F'² : the slope's jump at the datum is (1 - p)/λ"},
       "ebm/lab/cliffs.cpp, ebm/regularizers.h",
       "\"A finite temperature tempers it\": β F is what the loss sees, so a smaller β makes the "
       "gaps "
       "larger. \"The wrong ones go to +∞ and the right one to -∞\": only the gap diverges, and "
       "not "
       "even that under noisy labels.",
       {{"E2", "plain NLL, slope"},
        {"E2", "with a penalty"},
        {"E13", "λ mean |slope|² at the data"},
        {"E3", "gap after 30000 steps, β = 0.25"},
        {"E3", "gap after 30000 steps, β = 4"}}},
      {"Simple: [F(y)]₊ + [m - F(ȳ)]₊",
       "Two absolute wishes, F(y) ≤ 0 and F(ȳ) ≥ m, each pulled by a force of constant size until "
       "it "
       "is met. A few wrong labels therefore pull no harder than right ones: the robust one.",
       {"∂L/∂W = [F(y) > 0] ∂F(y)/∂W - [F(ȳ) < m] ∂F(ȳ)/∂W",
        "F(y) ≤ 0, F(ȳ) ≥ m: nothing;  at the kinks [u]₊ has any slope in [0, 1], and we take 0"},
       "ebm/losses/pair_losses.h (simple_loss)",
       "Taking F(y) ≤ 0 for the violation: it is what satisfies. And m must be above 0.",
       {{"E5", "simple: gap with 20 %"},
        {"E12", "losses of the library that refuse it, of 4, m = 0"}}},
      {"Log: log(1 + exp(F(y) - F(ȳ)))",
       "A relative wish: lower the difference, with a force that fades as it is met and never "
       "ends.",
       {"∂L/∂W = σ(F(y) - F(ȳ)) (∂F(y)/∂W - ∂F(ȳ)/∂W)",
        "F(y) ≫ F(ȳ): full force; equal: half; F(y) ≪ F(ȳ): exp(F(y) - F(ȳ)), never 0"},
       "ebm/losses/pair_losses.h (log_loss)",
       {},
       {{"E5", "log from"}}},
      {"Square-square: [F(y)]₊² + [m - F(ȳ)]₊²",
       "The wishes of the simple loss with springs for forces: smooth, strongest on the worst "
       "violation, and weaker and weaker towards the border.",
       {"∂L/∂W = 2 [F(y)]₊ ∂F(y)/∂W - 2 [m - F(ȳ)]₊ ∂F(ȳ)/∂W",
        "[u]₊² has a continuous derivative: no choice at the kink"},
       "ebm/losses/pair_losses.h (square_square_loss, square_square_exact_loss)",
       "\"Simple loses its gradient, square-square does not\": the reverse. Simple pulls with "
       "constant force while violated; square-square's force goes to 0 at the border. A printed "
       "table "
       "has a minus before the second square; that loss teaches wrong answers a low energy.",
       {{"E5", "square-square: gap with 20 %"},
        {"E11", "edits a word that hinge saves over square"}}},
      {"How does NLL differ from these three?",
       "It couples all answers through Z, each by its probability, where the three see one wrong "
       "answer at a time. But that is not the whole of it: the log loss is the NLL of two answers, "
       "and simple and square-square are not even of a pair, but of two energies, each by itself.",
       {"two answers: -log p_y = log(1 + exp(β (F_y - F_ȳ)))"},
       "ebm/losses/label_losses.h, ebm/losses/pair_losses.h",
       "\"NLL has no margin and the others have\": nor has the log loss.",
       {{"E5", "log: margin kept"}, {"E11", "edits a word that nll saves over characters"}}},
      {"Why is the log loss a soft hinge, and what does softness buy and cost?",
       "softplus(u) = log(1 + exp(u)) rounds the corner of [u]₊, never off by more than log 2 "
       "(over β, "
       "with β inside). It buys a smooth gradient, and a pull on pairs that are already right, "
       "hence "
       "a margin of its own. It costs that it is never content: easy pairs pull for ever.",
       {"0 ≤ (1/β) log(1 + exp(β u)) - [u]₊ ≤ log 2 / β"},
       "ebm/losses/pair_losses.h",
       "\"With a very large margin\": it has none; it is the hinge with m = 0, made soft.",
       {{"E5", "log: margin kept"}, {"E5", "log from (2, 0), t = 8: E"}}},
      {"How do simple and square-square differ from hinge and log, and when to use which?",
       "Hinge and log ask that the difference F(ȳ) - F(y) be large and leave the level free; "
       "simple "
       "and square-square ask for levels: F(y) ≤ 0, F(ȳ) ≥ m. Levels serve where an energy is to "
       "be "
       "compared across x with one threshold, as in verification. Simple where labels may be "
       "wrong, "
       "square-square where they are clean and a smooth fit is wanted; neither where the energy is "
       "a "
       "sum whose natural level grows with the input, as a word's does.",
       {},
       "ebm/losses/pair_losses.h, ebm/losses/word_losses.h, ocr/lab/word_losses.cpp",
       "\"Only the hinge uses both energies and a margin\": all but the log loss do; what differs "
       "is "
       "whether they are compared.",
       {{"E11", "edits a word that hinge saves over square"}, {"E5", "square-square from"}}},
  };
  return all;
}

namespace {

const Measurement* find(const Evidence& evidence, std::span<const Result> results) {
  for (const Result& r : results) {
    if (r.experiment.id != evidence.experiment) continue;
    for (const Measurement& m : r.findings.measurements) {
      if (m.what.starts_with(evidence.what)) return &m;
    }
  }
  return nullptr;
}

std::string in_words(const Evidence& evidence, std::span<const Result> results) {
  const Measurement* m = find(evidence, results);
  if (m == nullptr) return evidence.experiment + ": not among the experiments of this run";
  const char* relation = m->relation == Measurement::Relation::at_most    ? "at most "
                         : m->relation == Measurement::Relation::at_least ? "at least "
                                                                          : "";
  return message(evidence.experiment, ": ", m->what, ": predicted ", relation, number(m->predicted),
                 ", measured ", number(m->measured), m->holds() ? "" : " (REFUTED)");
}

}  // namespace

void add_questions(io::HtmlPage& page, std::span<const Result> results) {
  page.section("Eighteen questions, answered");
  int n = 0;
  for (const Question& q : questions()) {
    page.subsection(message(++n, ". ", q.question));
    page.paragraph(q.answer);
    std::string steps;
    for (const std::string& line : q.derivation) steps += (steps.empty() ? "" : "\n") + line;
    if (!steps.empty()) page.code(steps);
    if (!q.wrong.empty()) page.paragraph("A popular answer: " + q.wrong);
    std::vector<std::string> shown{"Code: " + q.code};
    for (const Evidence& e : q.evidence) shown.push_back(in_words(e, results));
    page.list(shown);
  }
}

}  // namespace talweg::ebm::lab
