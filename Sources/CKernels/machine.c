#include "CKernels.h"

#include <stdio.h>
#include <string.h>
#if defined(__APPLE__)
#include <sys/sysctl.h>
#endif
#if defined(__x86_64__)
#include <cpuid.h>
#endif

/// What the system says of a cache; 0 where it does not.
static size_t reported(int level) {
#if defined(__APPLE__)
  static const char *const names[] = {"hw.l1dcachesize", "hw.l2cachesize", "hw.l3cachesize"};
  int64_t value = 0;
  size_t length = sizeof value;
  return sysctlbyname(names[level - 1], &value, &length, NULL, 0) == 0 ? (size_t)value : 0;
#elif defined(__linux__)
  // Not sysconf: for the third level it gives what all the cores of a socket have together, in several pieces.
  for (int index = 0; index < 8; ++index) {
    char path[96], type[16] = "";
    int found = 0;
    unsigned kilobytes = 0;
    static const char *const files[] = {"level", "type", "size"};
    for (int file = 0; file < 3; ++file) {
      snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/%s", index, files[file]);
      FILE *stream = fopen(path, "r");
      if (!stream) return 0;
      const int read = file == 0   ? fscanf(stream, "%d", &found)
                       : file == 1 ? fscanf(stream, "%15s", type)
                                   : fscanf(stream, "%uK", &kilobytes);
      fclose(stream);
      if (read != 1) return 0;
    }
    if (found == level && strcmp(type, "Instruction") != 0) return (size_t)kilobytes << 10;
  }
#endif
  return 0;
}

size_t lowrank_cache_bytes(int level) {
  // What most processors of the last ten years have at least.
  static const size_t usual[] = {32 << 10, 512 << 10, 4 << 20};
  const size_t size = reported(level);
  return size > 0 ? size : usual[level - 1];
}

#if defined(__x86_64__)
/// Whether this is a Zen 4, which has 512-bit registers and units of 256 bits: with Zen 3, which has no such registers, family
/// 0x19 of AMD. Not `__builtin_cpu_is`: it asks libgcc, which knows Zen 4 from its version 13 on and takes it for a Zen 3 before.
static int has_half_units(void) {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid(0, &a, &b, &c, &d) || b != signature_AMD_ebx || d != signature_AMD_edx) return 0;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
  const unsigned base = a >> 8 & 0xf, extended = a >> 20 & 0xff;
  return base + (base == 0xf ? extended : 0) == 0x19;
}
#endif

int lowrank_vectors_per_cycle(size_t width) {
#if defined(__x86_64__)
  if (width == 16 && has_half_units()) return 1;
#else
  (void)width;
#endif
  return 2;
}

void lowrank_processor_name(char *name, size_t size) {
  if (size == 0) return;
  name[0] = '\0';
#if defined(__APPLE__)
  if (sysctlbyname("machdep.cpu.brand_string", name, &size, NULL, 0) != 0) name[0] = '\0';
#elif defined(__linux__)
  FILE *stream = fopen("/proc/cpuinfo", "r");
  if (!stream) return;
  char line[256];
  while (fgets(line, sizeof line, stream)) {
    const char *colon = strchr(line, ':');
    // Arm names its parts by number.
    if (!colon || (strncmp(line, "model name", 10) != 0 && strncmp(line, "CPU part", 8) != 0)) continue;
    snprintf(name, size, "%s", colon + 1 + strspn(colon + 1, " \t"));
    name[strcspn(name, "\n")] = '\0';
    break;
  }
  fclose(stream);
#endif
}
