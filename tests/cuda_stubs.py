"""A stand-in for NVIDIA's driver that the tests compile; no card is needed.

The stub of libcuda.so.1 behaves as the environment variables STUB_... say, and
heeds CUDA_VISIBLE_DEVICES and CUDA_DEVICE_ORDER as the real one does.
"""

import os
import shutil
import subprocess

import pytest

GTX_680 = 'GeForce GTX 680', (3, 0)
GTX_980 = 'NVIDIA GeForce GTX 980', (5, 2)
GTX_1080_TI = 'NVIDIA GeForce GTX 1080 Ti', (6, 1)
RTX_2080 = 'NVIDIA GeForce RTX 2080', (7, 5)
RTX_3090 = 'NVIDIA GeForce RTX 3090', (8, 6)
H100 = 'NVIDIA H100 80GB HBM3', (9, 0)
RTX_5090 = 'NVIDIA GeForce RTX 5090', (12, 0)

_DRIVER = r'''
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char* get(const char* name, const char* otherwise) {
  const char* value = getenv(name);
  return value ? value : otherwise;
}

/* STUB_CARDS is "name:major:minor;name:major:minor;", in the order of the bus. */
static int card(int index, char* name, int* major, int* minor) {
  const char* c = get("STUB_CARDS", "");
  for (; index > 0 && *c; --index) c = strchr(c, ';') + 1;
  return sscanf(c, "%[^:]:%d:%d;", name, major, minor) == 3 ? 0 : 101;
}

/* What CUDA_VISIBLE_DEVICES leaves, "GPU-1" standing for a UUID. */
static int list_visible(int* visible) {
  char name[256];
  int major, minor, count = 0, num_visible = 0;
  const char* listed = getenv("CUDA_VISIBLE_DEVICES");
  while (!card(count, name, &major, &minor)) ++count;
  if (!listed) {
    int by_bus = !strcmp(get("CUDA_DEVICE_ORDER", ""), "PCI_BUS_ID");
    for (int i = 0; i < count; ++i) visible[i] = by_bus ? i : count - 1 - i;
    return count;
  }
  char* list = strdup(listed);
  for (char* entry = strtok(list, ","); entry; entry = strtok(NULL, ",")) {
    int number = atoi(entry + (strncmp(entry, "GPU-", 4) ? 0 : 4));
    if (number < 0 || number >= count) break;
    visible[num_visible++] = number;
  }
  return num_visible;
}

int cuDriverGetVersion(int* version) {
  *version = atoi(get("STUB_CUDA", "13000"));
  return 0;
}

int cuDeviceGetCount(int* count) {
  int visible[64];
  *count = list_visible(visible);
  return 0;
}

int cuInit(unsigned flags) {
  int count;
  const char* how = get("STUB_INIT", "0");
  if (!strcmp(how, "hang")) for (;;) sleep(1000);
  if (!strcmp(how, "segfault")) raise(SIGSEGV);
  if (!strcmp(how, "garbage")) { puts("{]"); fflush(stdout); _exit(3); }
  puts("a driver that prints");
  cuDeviceGetCount(&count);
  return atoi(how) ? atoi(how) : count ? 0 : 100;
}

int cuDeviceGet(int* device, int index) {
  int visible[64];
  if (index >= list_visible(visible)) return 101;
  *device = visible[index];
  return 0;
}

int cuDeviceGetName(char* name, int size, int device) {
  int major, minor;
  return card(device, name, &major, &minor);
}

int cuDeviceGetAttribute(int* value, int attribute, int device) {
  char name[256];
  int major, minor, code = card(device, name, &major, &minor);
  *value = attribute == 75 ? major : attribute == 76 ? minor : -1;
  return code;
}
'''


def build_library(path, source):
    """Compiles a shared library; skips the test without a compiler."""
    compiler = shutil.which('cc') or shutil.which('gcc')
    if not compiler:
        pytest.skip('needs a C compiler (cc or gcc) for a stub library')
    subprocess.run([compiler, '-shared', '-fPIC', '-x', 'c', '-o', str(path), '-'],
                   input=source.encode(), check=True)
    return str(path)


def build_driver(folder):
    return build_library(os.path.join(str(folder), 'libcuda.so.1'), _DRIVER)


def describe_cards(*cards):
    """The value of STUB_CARDS."""
    return ''.join(f'{name}:{major}:{minor};' for name, (major, minor) in cards)
