// libjpeg, which CImages wraps; its header wants stdio's types.
#include <stdio.h>
#include <jpeglib.h>
