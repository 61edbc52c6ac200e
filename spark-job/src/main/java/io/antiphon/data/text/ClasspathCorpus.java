package io.antiphon.data.text;

import io.antiphon.data.Corpus;
import io.antiphon.data.DataException;
import io.antiphon.data.Sha256;
import io.antiphon.data.files.Failures;
import io.antiphon.data.files.HadoopPath;
import io.antiphon.data.files.TemporaryFiles;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.jspecify.annotations.Nullable;

/**
 * A folder of text files shipped in a jar, such as {@code classpath:corpus}. Its {@code INDEX}
 * names the files, one a line; they are copied to the cache directory, where executors can read
 * them.
 */
final class ClasspathCorpus {
  static final String SCHEME = "classpath:";
  private static final String UNPACKING = ".unpacking-";

  private ClasspathCorpus() {}

  static List<InputFile> unpack(Corpus corpus, String cacheDir, Configuration configuration) {
    String folder = corpus.location().substring(SCHEME.length());
    List<InputFile> files = new ArrayList<>();
    try {
      HadoopPath cache = HadoopPath.open("data.cache-dir", cacheDir, configuration);
      Path target = new Path(new Path(cache.path(), "classpath"), folder);
      FileSystem system = cache.files();
      byte[] index = read(corpus, folder + "/INDEX");
      for (String name : new String(index, StandardCharsets.UTF_8).lines().toList()) {
        byte[] content = read(corpus, folder + "/" + name);
        String checksum = Sha256.hex(content);
        Path path = new Path(target, checksum.substring(0, 16) + "-" + name);
        if (!system.exists(path) || system.getFileStatus(path).getLen() != content.length) {
          write(system, path, content);
        }
        files.add(new InputFile(path.toString(), content.length, "sha256 " + checksum));
      }
      TemporaryFiles.deleteLeftovers(system, target, name -> name.contains(UNPACKING));
    } catch (IOException | FSError failure) {
      throw new DataException(
          corpus.setting()
              + ": cannot unpack '"
              + corpus.location()
              + "' to "
              + cacheDir
              + ": "
              + Failures.reason(failure)
              + "; set data.cache-dir to a writable directory with enough space",
          failure);
    }
    return files;
  }

  private static void write(FileSystem system, Path path, byte[] content) throws IOException {
    Path temporary = path.suffix(UNPACKING + Long.toHexString(System.nanoTime()));
    try (OutputStream out = system.create(temporary, true)) {
      out.write(content);
    } catch (IOException | FSError failure) {
      system.delete(temporary, false);
      throw failure;
    }
    system.delete(path, false);
    TemporaryFiles.complete(system, temporary, path);
  }

  private static byte[] read(Corpus corpus, String resource) throws IOException {
    try (@Nullable InputStream in =
        ClasspathCorpus.class.getClassLoader().getResourceAsStream(resource)) {
      if (in == null) {
        throw new DataException(
            corpus.setting()
                + ": '"
                + corpus.location()
                + "' is not shipped with this program (no "
                + resource
                + " on the class path); the quickstart corpus is 'classpath:corpus'");
      }
      return in.readAllBytes();
    }
  }
}
