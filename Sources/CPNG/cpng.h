// libpng, which CImages wraps.
#include <png.h>
