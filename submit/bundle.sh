#!/usr/bin/env bash
# antiphon bundle: packs what a machine without Java, Maven and network needs. Run through submit/antiphon.
#
# Usage: antiphon bundle [--output DIR] [--with-spark] [--part-size SIZE]
#
#   --output DIR      where the archives go; default: the current directory
#   --with-spark      a second archive as well, which adds Spark: the full job, all commands
#   --part-size SIZE  cut archives that are larger into parts, 60M for example
#
# Needs a JDK 17 or later with jlink, Maven, tar and xz. For Linux on x86-64 only.
set -euo pipefail

fail() {
  printf 'antiphon bundle: %s\n' "$1" >&2
  exit 2
}

home="$1"
java="$2"
shift 2
output="."
with_spark=""
part_size=""
while [ $# -gt 0 ]; do
  case "$1" in
    --output | --part-size) [ $# -gt 1 ] || fail "$1 needs a value; see antiphon bundle --help" ;;
  esac
  case "$1" in
    --output) output="$2" && shift 2 ;;
    --part-size) part_size="$2" && shift 2 ;;
    --with-spark) with_spark=1 && shift ;;
    -h | --help) sed -n '4,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit 0 ;;
    *) fail "does not know $1; see antiphon bundle --help" ;;
  esac
done
[ "$(uname -sm)" = "Linux x86_64" ] || fail "packs the natives of Linux on x86-64, and runs only there"
[[ "$part_size" =~ ^([0-9]+[KMG]?)?$ ]] || fail "--part-size is $part_size; write 60M, for example"
jdk="$(cd "$(dirname "$(readlink -f "$java")")/.." && pwd -P)"
for tool in "$jdk/bin/jlink" "$jdk/bin/jar" mvn tar xz unzip; do
  command -v "$tool" >/dev/null || fail "needs $tool, which was not found"
done
mkdir -p "$output" 2>/dev/null && [ -w "$output" ] || fail "cannot write to $output; choose another --output"
output="$(cd "$output" && pwd -P)"

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
mkdir -p "$home/submit/target"
log="$home/submit/target/bundle-build.log"
echo "building ..." >&2
(cd "$home" && mvn -B -q -Plauncher,bundle -Dmaven.test.skip=false -DskipTests -pl tests -am package) >"$log" 2>&1 ||
  { cat "$log" >&2 && fail "the build failed, see above"; }
version="$(sed -n 's|.*/antiphon-submit-\(.*\)\.jar$|\1|p' < <(tr : '\n' <"$home/tests/target/bundle-class-path"))"
name="antiphon-$version-linux-x86_64"
root="$work/$name"
spark="$work/spark/$name"
mkdir -p "$root"/{lib,test,submit,tools} "$spark/spark"

# What jlink leaves of the JDK is what Spark and Hadoop were seen to need; without compression, as xz does better.
echo "linking the Java runtime ..." >&2
"$jdk/bin/jlink" --add-modules "java.se,jdk.unsupported,jdk.management,jdk.incubator.vector,jdk.crypto.ec,jdk.zipfs,\
jdk.jfr,jdk.net,jdk.httpserver,jdk.security.jgss,jdk.security.auth,jdk.naming.dns" \
  --strip-debug --no-man-pages --no-header-files --compress=0 --output "$root/jre" 2>"$log" ||
  { cat "$log" >&2 && fail "jlink failed, see above"; }

# Where a library goes. Spark does without some, as long as nobody asks for encryption, high availability of its
# own master or a history server; tests of the CPU are not packed.
place() {
  case "$1" in
    antiphon-spark-job-*) echo spark ;;
    antiphon-* | config-* | picocli-* | jspecify-* | javacpp-* | openblas-* | cuda-* | jcuda-* | uplot-*) echo lib ;;
    tokenizers-* | api-[0-9]* | gson-* | jna-* | commons-compress-* | commons-io-* | commons-lang3-*) echo lib ;;
    slf4j-api-* | log4j-api-* | log4j-core-* | log4j-slf4j2-impl-* | jackson-core-*) echo lib ;;
    jackson-annotations-* | jackson-databind-*) echo lib ;;
    junit-* | opentest4j-* | open-test-reporting-* | apiguardian-* | assertj-*) echo test ;;
    jmh-core-* | jopt-simple-* | commons-math3-*) echo test ;;
    archunit* | byte-buddy-*) ;;
    rocksdbjni-* | leveldbjni-* | netty-tcnative-* | tink-* | curator-* | zookeeper-*) ;;
    netty-*-linux-aarch_64.jar | netty-*-linux-riscv64.jar | netty-*-osx-*.jar | netty-*-windows-*.jar) ;;
    commons-crypto-* | aircompressor-*) ;;
    *) echo spark ;;
  esac
}

# The lines of the libraries in some folders, after the head of the build's list.
third_party() {
  local list="$home/tests/target/third-party/THIRD-PARTY" name line
  head -n 5 "$list"
  while read -r name; do
    case "$name" in antiphon-*) continue ;; esac
    line="$(awk -F ' [|] ' -v jar="$name" 'index(jar, $1 ".jar") == 1 || index(jar, $1 "-") == 1 {
      if (length($1) > length(best)) { best = $1; found = $0 } } END { print found }' "$list")"
    [ -n "$line" ] || fail "no licence is known of $name; see $list"
    printf '%s\n' "$line"
  done < <(for folder in "$@"; do ls "$folder"; done | LC_ALL=C sort) | uniq
}

# Members of a library that another platform needs, or nobody.
unneeded() {
  case "$1" in
    openblas-*-linux-x86_64.jar)
      echo '*/include/*' '*/libjniopenblas.so' '*/libjniopenblas_full.so' 'META-INF/native-image/*' ;;
    cuda-*-linux-x86_64.jar)
      echo '*/libjninpp*' '*/libjninvml*' '*/libjninvblas*' '*/libjninvcomp*' '*/libjninvjpeg*' \
        '*/libjnicusolver*' '*/libjnicusparse*' '*/libjnicufft*' '*/libjnicurand*' '*/libjnicufile*' \
        '*/libjnicupti*' 'META-INF/native-image/*' ;;
    jcuda-natives-*) echo 'lib/libJNvPTXCompiler*' 'lib/libJCudaRuntime*' 'lib/libJNvrtc*' ;;
    tokenizers-*)
      echo 'native/lib/osx-*' 'native/lib/win-*' 'native/lib/linux-aarch64/*' 'nlp/*' ;;
    jna-*)
      echo 'com/sun/jna/aix-*' 'com/sun/jna/darwin-*' 'com/sun/jna/dragonflybsd-*' 'com/sun/jna/freebsd-*' \
        'com/sun/jna/openbsd-*' 'com/sun/jna/sunos-*' 'com/sun/jna/win32-*' 'com/sun/jna/linux-a*' \
        'com/sun/jna/linux-[lmprs]*' 'com/sun/jna/linux-x86/*' ;;
    uplot-*) echo '*/uPlot.cjs.js' '*/uPlot.esm.js' '*/uPlot.iife.js' '*/uPlot.d.ts' '*/README.md' ;;
    zstd-jni-*) echo 'darwin/*' 'win/*' 'freebsd/*' 'aix/*' 'linux/aarch64/*' 'linux/arm/*' 'linux/[ilmprs]*' ;;
    lz4-java-*) echo 'net/jpountz/util/darwin/*' 'net/jpountz/util/linux/aarch64/*' 'net/jpountz/util/linux/[ilps]*' ;;
    snappy-java-*)
      echo 'org/xerial/snappy/native/[ABCDEFGHIJKMNOPQRSTUVWXYZ]*' 'org/xerial/snappy/native/Linux/[aiprs]*' ;;
  esac
}

echo "packing the libraries ..." >&2
while read -r jar; do
  base="$(basename "$jar")"
  case "$(place "$base")" in
    lib) target="$root/lib/$base" ;;
    test) target="$root/test/$base" ;;
    spark) target="$spark/spark/$base" ;;
    *) continue ;;
  esac
  if [ "${target#"$spark"}" != "$target" ] && [ -z "$with_spark" ]; then continue; fi
  read -r -a patterns < <(unneeded "$base" || true) || true
  if [ ${#patterns[@]} -eq 0 ] && [ "$(stat -c %s "$jar")" -lt 300000 ]; then
    cp "$jar" "$target"
    continue
  fi
  # Stored, so that xz sees what is inside.
  rm -rf "$work/jar" && mkdir "$work/jar"
  unzip -q -o "$jar" -d "$work/jar" ${patterns[@]:+-x "${patterns[@]}"}
  manifest="$work/jar/META-INF/MANIFEST.MF"
  if [ -f "$manifest" ]; then
    mv "$manifest" "$work/manifest" # jar puts it first
    "$jdk/bin/jar" --create --no-compress --file "$target" --manifest "$work/manifest" -C "$work/jar" .
  else
    "$jdk/bin/jar" --create --no-compress --no-manifest --file "$target" -C "$work/jar" .
  fi
done < <(tr : '\n' <"$home/tests/target/bundle-class-path")
# Those of training need no Spark either.
"$jdk/bin/jar" --create --no-compress --file "$root/test/antiphon-gpu-tests.jar" \
  -C "$home/gpu-kernels/target/test-classes" . -C "$home/spark-job/training/target/test-classes" io/antiphon/train
mkdir "$work/bench"
cp -r "$home/tests/target/test-classes/META-INF" "$work/bench/"
mkdir -p "$work/bench/io/antiphon/tests"
cp -r "$home/tests/target/test-classes/io/antiphon/tests/bench" "$work/bench/io/antiphon/tests/"
"$jdk/bin/jar" --create --no-compress --file "$root/test/antiphon-benchmarks.jar" -C "$work/bench" .

cp "$home/submit/antiphon" "$root/submit/"
cp "$home"/tests/src/gpu/* "$home/tests/src/bench/python/torch_peer.py" "$root/tools/"
if command -v gcc >/dev/null; then
  for source in "$root"/tools/*.c; do
    gcc -O2 -shared -fPIC "$source" -o "${source%.c}.so" -ldl
  done
fi
ln -s submit/antiphon "$root/antiphon"
cp "$home/LICENSE" "$home/NOTICE" "$root/"
cp -r "$home/submit/src/main/licences" "$root/licences"
third_party "$root"/lib "$root"/test >"$root/THIRD-PARTY"
if [ -n "$with_spark" ]; then third_party "$spark/spark" >"$spark/THIRD-PARTY-SPARK"; fi
printf '%s\n' "$version" >"$root/BUNDLE"
sed -n 's/"//g; /^\(IMPLEMENTOR\|JAVA_RUNTIME_VERSION\|JAVA_VERSION_DATE\)=/p' "$jdk/release" >"$root/JAVA"
cat >"$root/README" <<END
Antiphon $version for Linux on x86-64, with its own Java. Needs nothing else for the CPU, and for a GPU the
NVIDIA driver and the CUDA 13 libraries cudart, nvrtc, cublas and cublasLt.

    ./antiphon doctor                      what this machine has and lacks
    ./antiphon train --preset quickstart   trains a small model
    ./antiphon gpu-test                    every GPU test; arguments go to the JUnit console
    ./antiphon bench                       benchmarks; arguments go to JMH
    tools/count-driver-calls               calls into the CUDA driver per training step
    tools/inject-device-fault              a run whose GPU fails under it
    tools/check-recovery                   whether runs recover from that

The libraries are looked for on LD_LIBRARY_PATH, below /usr/local/cuda*, and below the folders that
ANTIPHON_CUDA_PATH names, separated by colons. Unpack the second archive, ...-spark.tar.xz, over this folder to add
Spark: clusters, other file systems, JSON, Parquet and SQL sources, and recorded routing. docs/air-gapped.md in
the source tells more.

Licences: LICENSE and NOTICE are Antiphon's own. THIRD-PARTY lists the libraries, licences/ has their texts, and jre/legal those
of Java. JAVA says which Java this is.

An archive that came in parts is joined by: cat NAME.tar.xz.part-* > NAME.tar.xz
END

archive() { # folder that holds $name, file name
  local file="$output/$2.tar.xz"
  echo "compressing $2.tar.xz ..." >&2
  rm -f "$file" "$file".part-*
  tar --sort=name --mtime='2026-01-01 00:00Z' --owner=0 --group=0 --numeric-owner -C "$1" -cf - "$name" |
    xz ${ANTIPHON_BUNDLE_XZ:--6} >"$file"
  local bytes
  bytes="$(stat -c %s "$file")"
  printf '%s  %d MB (%d bytes)\n' "$file" $(((bytes + 999999) / 1000000)) "$bytes"
  if [ -n "$part_size" ] && [ "$bytes" -gt "$(numfmt --from=iec "$part_size")" ]; then
    split -b "$part_size" -d "$file" "$file.part-"
    rm "$file"
    ls "$file".part-*
    echo "join them with: cat $2.tar.xz.part-* > $2.tar.xz"
  fi
}
java_version="$(sed -n 's/^JAVA_RUNTIME_VERSION=//p' "$root/JAVA")"
java_date="$(sed -n 's/^JAVA_VERSION_DATE=//p' "$root/JAVA")"
echo "Java in the bundle: $java_version of $java_date, from $(sed -n 's/^IMPLEMENTOR=//p' "$root/JAVA")"
# Security updates of Java come in January, April, July and October.
if [ -n "$java_date" ] && [ "$(date -d "$java_date + 4 months" +%s)" -lt "$(date +%s)" ]; then
  echo "antiphon bundle: warning: Java $java_version of $java_date is behind security updates; set JAVA_HOME to a newer JDK" >&2
fi
archive "$work" "$name"
if [ -n "$with_spark" ]; then archive "$work/spark" "$name-spark"; fi
