// The program `talweg`: one subcommand a file.
#include <CLI/CLI.hpp>

int main(int argc, char** argv) {
  CLI::App app("Reads words with energies: an engine, an aligner and a recognizer.", "talweg");
  app.require_subcommand(1);
  CLI11_PARSE(app, argc, argv);
}
