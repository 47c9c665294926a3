#pragma once

#include <stddef.h>
#include <stdint.h>

// PNG and JPEG files in memory to pixels. Swift cannot be jumped out of, so what libjpeg does on errors stays in here.

enum { CIMAGES_MESSAGE_SIZE = 256 };

/// Reads the size of an image. Returns 0, or another number with what is wrong in `message`, which has room for
/// CIMAGES_MESSAGE_SIZE bytes.
int cimages_png_size(const uint8_t *bytes, size_t count, uint32_t *width, uint32_t *height, char *message);
int cimages_jpeg_size(const uint8_t *bytes, size_t count, uint32_t *width, uint32_t *height, char *message);

/// Decodes an image whose size is known into `pixels`: four bytes a pixel of a PNG, the last its opacity; three of a JPEG.
/// Returns 0, or another number with what is wrong in `message`. A file that is cut off or damaged is wrong.
int cimages_png_decode(const uint8_t *bytes, size_t count, uint8_t *pixels, size_t capacity, char *message);
int cimages_jpeg_decode(const uint8_t *bytes, size_t count, uint8_t *pixels, size_t capacity, char *message);
