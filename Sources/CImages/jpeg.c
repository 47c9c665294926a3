#include "CImages.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

// libjpeg's way of ending on an error is to end the process unless error_exit jumps away.
typedef struct {
  struct jpeg_error_mgr base;
  jmp_buf back;
  char *message;
} error_manager;

static void leave(j_common_ptr common) {
  error_manager *manager = (error_manager *)common->err;
  char text[JMSG_LENGTH_MAX];
  manager->base.format_message(common, text);
  snprintf(manager->message, CIMAGES_MESSAGE_SIZE, "%s", text);
  longjmp(manager->back, 1);
}

// Warnings are of damaged or missing data, which libjpeg would make up.
static void warn(j_common_ptr common, int level) {
  if (level < 0) leave(common);
}

static void prepare(struct jpeg_decompress_struct *decoder, error_manager *manager, char *message) {
  memset(decoder, 0, sizeof *decoder);
  decoder->err = jpeg_std_error(&manager->base);
  manager->base.error_exit = leave;
  manager->base.emit_message = warn;
  manager->message = message;
}

// libjpeg makes no red, green and blue of what is to be printed, and its own words for that say nothing.
static int is_for_print(const struct jpeg_decompress_struct *decoder, char *message) {
  if (decoder->jpeg_color_space != JCS_CMYK && decoder->jpeg_color_space != JCS_YCCK) return 0;
  snprintf(message, CIMAGES_MESSAGE_SIZE, "its colours are those of print (CMYK): save it with red, green and blue");
  return 1;
}

int cimages_jpeg_size(const uint8_t *bytes, size_t count, uint32_t *width, uint32_t *height, char *message) {
  struct jpeg_decompress_struct decoder;
  error_manager manager;
  prepare(&decoder, &manager, message);
  if (setjmp(manager.back)) {
    jpeg_destroy_decompress(&decoder);
    return 1;
  }
  jpeg_create_decompress(&decoder);
  jpeg_mem_src(&decoder, (unsigned char *)bytes, count);
  jpeg_read_header(&decoder, TRUE);
  *width = decoder.image_width;
  *height = decoder.image_height;
  int status = is_for_print(&decoder, message);
  jpeg_destroy_decompress(&decoder);
  return status;
}

int cimages_jpeg_decode(const uint8_t *bytes, size_t count, uint8_t *pixels, size_t capacity, char *message) {
  struct jpeg_decompress_struct decoder;
  error_manager manager;
  prepare(&decoder, &manager, message);
  if (setjmp(manager.back)) {
    jpeg_destroy_decompress(&decoder);
    return 1;
  }
  jpeg_create_decompress(&decoder);
  jpeg_mem_src(&decoder, (unsigned char *)bytes, count);
  jpeg_read_header(&decoder, TRUE);
  decoder.out_color_space = JCS_RGB;
  jpeg_start_decompress(&decoder);
  size_t stride = (size_t)decoder.output_width * 3;
  if ((uint64_t)stride * decoder.output_height > capacity) {
    snprintf(message, CIMAGES_MESSAGE_SIZE, "its size changed while it was read");
    jpeg_destroy_decompress(&decoder);
    return 1;
  }
  while (decoder.output_scanline < decoder.output_height) {
    JSAMPROW row = pixels + stride * decoder.output_scanline;
    jpeg_read_scanlines(&decoder, &row, 1);
  }
  jpeg_finish_decompress(&decoder);
  jpeg_destroy_decompress(&decoder);
  return 0;
}
