/* Talweg for C, and for every language that calls C: open a model, read pixels, free.
 *
 *   talweg_model *model = talweg_open(NULL);              (the model that came with the program)
 *   talweg_reading reading;
 *   if (talweg_read(model, pixels, width, height, 0, TALWEG_GRAY8, &reading) == 0) {
 *     printf("%s  %.3f\n", reading.text, reading.confidence);
 *     talweg_reading_free(&reading);
 *   } else {
 *     fprintf(stderr, "%s\n", talweg_error());
 *   }
 *   talweg_close(model);
 *
 * No C++ exception leaves these functions. A model may be read with by any number of threads at once.
 */
#ifndef TALWEG_H
#define TALWEG_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* NOLINTBEGIN(readability-identifier-naming): C's way of naming types */

/* A trained model: opaque, immutable. */
typedef struct talweg_model talweg_model;

/* How a pixel lies in memory: one byte, three, four with alpha not premultiplied, or two bytes in the
 * machine's order. */
typedef enum talweg_format { TALWEG_GRAY8, TALWEG_RGB8, TALWEG_RGBA8, TALWEG_GRAY16 } talweg_format;

/* What stands on an image. */
typedef struct talweg_reading {
  char* text;        /* UTF-8, ended by 0; "" where the image is empty */
  double confidence; /* the probability of the text among all texts, 0 ... 1 */
} talweg_reading;

/* NOLINTEND(readability-identifier-naming) */

/* Opens a model file; with NULL the one that $TALWEG_MODEL names or that came with the program. NULL on
 * failure: talweg_error() says why. To be closed by talweg_close. */
talweg_model* talweg_open(const char* path);
void talweg_close(talweg_model* model); /* NULL is allowed */

/* Reads one word or short line: `height` rows of `width` pixels from the top left, `stride` bytes from
 * row to row (0: none between; negative where rows go up). 0 on success, and then *reading is to be
 * freed; -1 on failure, and then *reading is empty and talweg_error() says why. */
int talweg_read(const talweg_model* model, const void* pixels, int width, int height,
                ptrdiff_t stride, talweg_format format, talweg_reading* reading);
void talweg_reading_free(talweg_reading* reading); /* an empty one is allowed */

/* Why this thread's last failing call failed: one sentence, valid until its next; "" before. */
const char* talweg_error(void);

#ifdef __cplusplus
}
#endif

#endif
