#!/bin/sh
# Takes out of an environment what no run needs: slim.sh ENVIRONMENT.
set -eu
cd "$1"/lib/python3*/site-packages

# Tests, headers, and sources in other languages. Of NumPy's tests one file is imported by numpy.testing.
find numpy/_core/tests -type f -not -name _natype.py -not -name __init__.py -delete
find . -type d \( -name tests -o -name include \) -not -path './numpy/_core/tests' -prune -exec rm -r {} +
find . -type f -regex '.*\.\(c\|cc\|cpp\|h\|hpp\|pyx\|pxd\|pxi\|pyi\)' -delete
rm -r pyarrow/src matplotlib/mpl-data/sample_data numpy/f2py numpy/distutils

# Arrow's way to S3 and to other servers, which it does without where they are missing; and its second and
# third copy of one library.
rm pyarrow/*flight* pyarrow/*s3* pyarrow/_pyarrow_cpp_tests.*
for library in pyarrow/libarrow_python*.so; do
  rm "$library" "$library".*.*.*
done

# Pillow's AVIF, which it does without as well: charts are PNG.
rm -f PIL/_avif.* pillow.libs/libavif*

# Symbols for debuggers. What auditwheel put into *.libs does not bear it.
find . -name '*.so*' -not -path './*.libs/*' -exec strip --strip-unneeded {} +
