#include "CImages.h"

#include <png.h>
#include <string.h>

static int failed(png_image *image, char *message) {
  snprintf(message, CIMAGES_MESSAGE_SIZE, "%s", image->message);
  png_image_free(image);
  return 1;
}

static int begin(png_image *image, const uint8_t *bytes, size_t count, char *message) {
  memset(image, 0, sizeof *image);
  image->version = PNG_IMAGE_VERSION;
  return png_image_begin_read_from_memory(image, bytes, count) ? 0 : failed(image, message);
}

int cimages_png_size(const uint8_t *bytes, size_t count, uint32_t *width, uint32_t *height, char *message) {
  png_image image;
  if (begin(&image, bytes, count, message)) return 1;
  *width = image.width;
  *height = image.height;
  png_image_free(&image);
  return 0;
}

int cimages_png_decode(const uint8_t *bytes, size_t count, uint8_t *pixels, size_t capacity, char *message) {
  png_image image;
  if (begin(&image, bytes, count, message)) return 1;
  image.format = PNG_FORMAT_RGBA;
  // Numbers of 16 bits mean what those of 8 do, where libpng would take them for light itself.
  image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
  if ((uint64_t)image.width * image.height * 4 > capacity) {
    snprintf(message, CIMAGES_MESSAGE_SIZE, "its size changed while it was read");
    png_image_free(&image);
    return 1;
  }
  return png_image_finish_read(&image, NULL, pixels, 0, NULL) ? 0 : failed(&image, message);
}
