package io.antiphon.data.text;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.GlobExpander;
import org.apache.hadoop.fs.GlobFilter;
import org.apache.hadoop.fs.Path;
import org.jspecify.annotations.Nullable;

/** Hadoop's globs, also beside files whose names it cannot handle. */
final class Globs {
  private Globs() {}

  /** What a path or glob matches, nothing if it matches nothing. */
  static FileStatus[] matches(FileSystem system, Path pattern) throws IOException {
    try {
      FileStatus @Nullable [] found = system.globStatus(pattern);
      return found == null ? new FileStatus[0] : found;
    } catch (IllegalArgumentException nameWithColon) {
      // Hadoop joins the names of all files in a folder to paths before it looks at the pattern.
      return byName(system, system.makeQualified(pattern));
    }
  }

  private static FileStatus[] byName(FileSystem system, Path pattern) throws IOException {
    List<FileStatus> found = new ArrayList<>();
    for (String flat : GlobExpander.expand(pattern.toUri().getPath())) {
      List<Path> candidates = List.of(new Path("/"));
      for (String component : flat.substring(1).split("/", -1)) {
        List<Path> next = new ArrayList<>();
        for (Path candidate : candidates) {
          next.addAll(children(system, candidate, component));
        }
        candidates = next;
      }
      for (Path candidate : candidates) {
        if (system.exists(candidate)) {
          found.add(system.getFileStatus(candidate));
        }
      }
    }
    return found.toArray(FileStatus[]::new);
  }

  private static List<Path> children(FileSystem system, Path parent, String component)
      throws IOException {
    GlobFilter filter = new GlobFilter(component);
    if (!filter.hasPattern()) {
      String name = component.replaceAll("\\\\(.)", "$1");
      return List.of(new Path(parent, new Path(null, null, name)));
    }
    List<Path> children = new ArrayList<>();
    try {
      for (FileStatus child : system.listStatus(parent)) {
        if (filter.accept(child.getPath())) {
          children.add(child.getPath());
        }
      }
    } catch (FileNotFoundException notAFolder) {
      return List.of();
    }
    return children;
  }
}
