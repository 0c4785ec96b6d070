// Text as people write it: UTF-8 at the edges, code points inside, and names for both in messages.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace talweg::ocr {

/// UTF-8 bytes as code points. Overlong forms, surrogates and values above U+10FFFF are refused, as
/// RFC 3629 demands. Throws Error naming the byte, its offset and the character it would be.
std::u32string decode_utf8(std::string_view bytes);

/// The text in Unicode's Normalization Form C (UAX #15): e + U+0301 and U+00E9 become the same U+00E9, so
/// that what people see as one character is one letter, however it was typed. Throws Error as
/// decode_utf8 does. Everything that comes from outside is put into this form: labels, word lists,
/// letters asked for.
std::string to_nfc(std::string_view bytes);

/// Code points as UTF-8. Throws Error on a surrogate or a value above U+10FFFF.
std::string encode_utf8(std::u32string_view text);
std::string encode_utf8(char32_t code_point);

/// "U+00E9": at least four hexadecimal digits, as the Unicode standard writes it.
std::string code_point_name(char32_t code_point);

/// "'é' (U+00E9)" for messages; what would not show (controls, spaces, surrogates) appears by its
/// name alone.
std::string describe(char32_t code_point);

/// Is it a character that no image of a text shows: a control, an invisible mark (a byte order mark, a
/// zero-width space, a change of direction), U+FFFD, which stands for bytes that were lost, or a code
/// point that is no character? Text with one was damaged on its way here.
bool is_corrupt(char32_t code_point);

/// Each different character once, in order of appearance: "'é' (U+00E9), 'ß' (U+00DF)". After
/// `limit` characters the rest is counted: "..., 'x' (U+0078) and 12 more".
std::string describe_all(std::u32string_view text, int limit = 8);

/// One line of a text file, without its end; `number` counts from 1.
struct TextLine {
  int number;
  std::string_view text;
};

/// The lines of a file's bytes, blank ones included. Drops a byte order mark at the start and the
/// '\r' before each '\n'. The lines point into `bytes`.
std::vector<TextLine> lines_of(std::string_view bytes);

/// The cells of a line of a table, between its tabs; one where there is none. They point into `line`.
std::vector<std::string_view> cells_of(std::string_view line);

/// `text` without spaces and tabs at its ends.
std::string_view trim(std::string_view text);

}  // namespace talweg::ocr
