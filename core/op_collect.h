// Included before op families, makes their cards gather in collected_cards(): see core/op_card.h. Only
// the families included after it are collected, so a folder that builds on core's ops lists its own.
#pragma once

#include "core/op_card.h"

namespace talweg {
namespace {

inline std::vector<OpCard>& collected_cards() {
  static std::vector<OpCard> cards;
  return cards;
}

struct CollectCard {
  CollectCard(const char* name, const char* file, int line, void (*describe)(OpCard&)) {
    OpCard card;
    card.name = name;
    card.file = file;
    card.line = line;
    describe(card);
    collected_cards().push_back(std::move(card));
  }
};

}  // namespace
}  // namespace talweg

#undef TALWEG_OP_CARD
#define TALWEG_OP_CARD(op)                                                          \
  template <class Card> void describe_##op(Card& card);                             \
  static const ::talweg::CollectCard collect_##op(#op, __FILE__, __LINE__,          \
                                                  describe_##op<::talweg::OpCard>); \
  template <class Card> void describe_##op(Card& card)
