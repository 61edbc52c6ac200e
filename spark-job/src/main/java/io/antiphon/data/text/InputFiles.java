package io.antiphon.data.text;

import io.antiphon.data.Corpus;
import io.antiphon.data.DataException;
import io.antiphon.data.Failures;
import io.antiphon.data.HadoopPath;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** Finds the files a user named. */
final class InputFiles {
  private InputFiles() {}

  /**
   * Files of a path, directory or glob, sorted by path; hidden ones ({@code .} or {@code _} in
   * front) are left out.
   *
   * @throws DataException if there is none
   */
  static List<InputFile> list(Corpus corpus, Configuration configuration) {
    String location = corpus.location();
    try {
      List<InputFile> files = new ArrayList<>();
      FileSystem system = HadoopPath.open(corpus.setting(), location, configuration).files();
      for (FileStatus match : matches(corpus, configuration)) {
        if (match.isFile()) {
          files.add(describe(match));
          continue;
        }
        for (FileStatus child : system.listStatus(match.getPath())) {
          if (child.isFile() && !isHidden(child.getPath())) {
            files.add(describe(child));
          }
        }
      }
      if (files.isEmpty()) {
        throw new DataException(
            corpus.setting()
                + ": '"
                + location
                + "' has no files directly in it; name them with a glob, such as "
                + location
                + "/*/*");
      }
      files.sort(Comparator.comparing(InputFile::path));
      return files;
    } catch (IOException | IllegalArgumentException failure) {
      throw new DataException(
          corpus.setting() + ": cannot list '" + location + "': " + Failures.reason(failure),
          failure);
    }
  }

  /**
   * What a path or glob stands for.
   *
   * @throws DataException if that is nothing
   */
  static FileStatus[] matches(Corpus corpus, Configuration configuration) {
    String location = corpus.location();
    HadoopPath place = HadoopPath.open(corpus.setting(), location, configuration);
    FileStatus[] found;
    try {
      found = place.files().globStatus(place.path());
    } catch (IOException | IllegalArgumentException failure) {
      throw new DataException(
          corpus.setting() + ": cannot read '" + location + "': " + Failures.reason(failure),
          failure);
    }
    if (found == null || found.length == 0) {
      throw new DataException(
          corpus.setting()
              + ": no file matches '"
              + location
              + "'; give the path of a file or directory, or a glob (relative paths start where the"
              + " run was started)");
    }
    return found;
  }

  private static InputFile describe(FileStatus file) {
    return new InputFile(
        file.getPath().toString(), file.getLen(), "modified " + file.getModificationTime());
  }

  private static boolean isHidden(Path path) {
    return path.getName().startsWith(".") || path.getName().startsWith("_");
  }
}
