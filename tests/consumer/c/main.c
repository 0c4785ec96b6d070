/* Reads the word on a binary PGM image: consumer MODEL IMAGE WORD; fails unless WORD stands there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "talweg.h"

/* The pixels of a PGM of one byte a pixel, or NULL. */
static unsigned char *load_pgm(const char *path, int *width, int *height) {
  unsigned char *pixels = NULL;
  FILE *file = fopen(path, "rb");
  if (file == NULL) return NULL;
  if (fscanf(file, "P5 %d %d 255", width, height) == 2 && fgetc(file) != EOF) {
    const size_t size = (size_t)*width * (size_t)*height;
    pixels = malloc(size);
    if (pixels != NULL && fread(pixels, 1, size, file) != size) {
      free(pixels);
      pixels = NULL;
    }
  }
  fclose(file);
  return pixels;
}

int main(int argc, char **argv) {
  int width, height, failed = 1;
  if (argc != 4) return 2;
  unsigned char *pixels = load_pgm(argv[2], &width, &height);
  talweg_model *model = talweg_open(argv[1]);
  talweg_reading reading;
  if (pixels == NULL || model == NULL) {
    fprintf(stderr, "%s\n", pixels == NULL ? "no image" : talweg_error());
  } else if (talweg_read(model, pixels, width, height, 0, TALWEG_GRAY8, &reading) != 0) {
    fprintf(stderr, "%s\n", talweg_error());
  } else {
    printf("%s  %.3f\n", reading.text, reading.confidence);
    failed = strcmp(reading.text, argv[3]) != 0;
    talweg_reading_free(&reading);
  }
  /* What fails says why. */
  if (talweg_read(model, NULL, 0, 0, 0, TALWEG_GRAY8, &reading) == 0) failed = 1;
  if (strlen(talweg_error()) == 0 || talweg_open("/no/such/model") != NULL) failed = 1;
  talweg_close(model);
  free(pixels);
  return failed;
}
