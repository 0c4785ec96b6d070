// How the threads of a long job wait for each other.
#pragma once

namespace talweg::ocr::cli {

/// GCC's OpenMP threads wait spinning, for milliseconds, before they sleep. On a machine with other work
/// that holds up the very thread they wait for: beside one busy process a training on two cores took fifty
/// times as long, and with a short spin three times; on an idle machine it is as fast. The library reads
/// the variable (GOMP_SPINCOUNT) when it is loaded, so the program begins again with it: to be called
/// before there is anything to lose. That takes 6 ms, too much where one word is read. Where the user has
/// said how to wait, or the system lets no program begin again, nothing happens.
void begin_with_short_spins();

}  // namespace talweg::ocr::cli
