package io.antiphon.data.text;

import io.antiphon.data.Corpus;
import io.antiphon.data.DataException;
import io.antiphon.data.files.Failures;
import io.antiphon.data.files.HadoopPath;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.ChecksumFileSystem;
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
    FileSystem system = HadoopPath.open(corpus.setting(), corpus.location(), configuration).files();
    List<InputFile> files = new ArrayList<>();
    int hidden = 0;
    int folders = 0;
    try {
      for (FileStatus match : matches(corpus, configuration)) {
        if (match.isFile()) {
          files.add(describe(corpus, system, match));
          continue;
        }
        for (FileStatus child : system.listStatus(match.getPath())) {
          if (child.isDirectory()) {
            folders++;
          } else if (isHidden(child.getPath())) {
            hidden++;
          } else {
            files.add(describe(corpus, system, child));
          }
        }
      }
    } catch (IOException | IllegalArgumentException failure) {
      throw new DataException(
          corpus.setting()
              + ": cannot list '"
              + corpus.location()
              + "': "
              + Failures.reason(failure),
          failure);
    }
    if (files.isEmpty()) {
      throw noFiles(corpus, folders, hidden);
    }
    files.sort(Comparator.comparing(InputFile::path));
    return files;
  }

  /**
   * What a path or glob stands for: what the glob matches, else what has this very name.
   *
   * @throws DataException if that is nothing
   */
  static FileStatus[] matches(Corpus corpus, Configuration configuration) {
    String location = corpus.location();
    HadoopPath place = HadoopPath.open(corpus.setting(), location, configuration);
    try {
      FileStatus[] found = Globs.matches(place.files(), place.path());
      if (found.length == 0 && place.files().exists(place.path())) {
        return new FileStatus[] {place.files().getFileStatus(place.path())};
      }
      if (found.length > 0) {
        return found;
      }
    } catch (IOException | IllegalArgumentException failure) {
      throw new DataException(
          corpus.setting() + ": cannot read '" + location + "': " + Failures.reason(failure),
          failure);
    }
    throw new DataException(
        corpus.setting() + ": no file matches '" + location + "'; " + remedy(location));
  }

  private static String remedy(String location) {
    if (location.startsWith("~")) {
      return "~ does not stand for the home directory in settings: write the whole path";
    }
    if (location.contains("**")) {
      return "** does not descend into folders: write one * for each level, such as data/*/*.txt";
    }
    if (location.contains(",") && !location.contains("{")) {
      return "several places are written in braces, such as {first,second}/*.txt";
    }
    return "give the path of a file or directory, or a glob (relative paths start where the run was"
        + " started)";
  }

  private static DataException noFiles(Corpus corpus, int folders, int hidden) {
    String location = corpus.location();
    String why;
    if (folders > 0) {
      why =
          "has no files directly in it; name them with a glob, such as "
              + location
              + (location.endsWith("/") ? "*/*" : "/*/*");
    } else if (hidden > 0) {
      why =
          "has hidden files only, whose names begin with . or _; rename them, or name them with a"
              + " glob, such as "
              + location
              + (location.endsWith("/") ? ".*" : "/.*");
    } else {
      why = "is empty; put the files there, or name another place";
    }
    return new DataException(corpus.setting() + ": '" + location + "' " + why);
  }

  private static InputFile describe(Corpus corpus, FileSystem system, FileStatus file) {
    String path = file.getPath().toString();
    if (system instanceof ChecksumFileSystem && file.getPath().getName().contains(":")) {
      throw new DataException(
          corpus.setting()
              + ": the name of "
              + path
              + " has a colon, which Hadoop cannot read; rename the file");
    }
    Optional<String> refusal = Compression.refusal(path);
    if (refusal.isPresent()) {
      throw new DataException(corpus.setting() + ": " + path + " " + refusal.get());
    }
    return new InputFile(
        file.getPath().toString(), file.getLen(), "modified " + file.getModificationTime());
  }

  private static boolean isHidden(Path path) {
    return path.getName().startsWith(".") || path.getName().startsWith("_");
  }
}
