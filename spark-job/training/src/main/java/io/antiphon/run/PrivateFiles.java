package io.antiphon.run;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * Directories that only their owner can enter, and lock files in folders that others may write.
 *
 * <p>What a run writes inside follows its directory: nobody else reaches it, whatever the rights of
 * the single files are.
 */
final class PrivateFiles {
  private PrivateFiles() {}

  /**
   * Makes a directory for its owner only, and its parents as the umask says. One that exists keeps
   * the rights it has, so that a group can share a run by making its directory first.
   *
   * @throws FileAlreadyExistsException if something is in the way: see {@link #inTheWay}
   */
  static void makeDirectory(Path path) throws IOException {
    if (Files.isDirectory(path)) {
      return;
    }
    Path parent = path.toAbsolutePath().getParent();
    if (parent != null) {
      Files.createDirectories(parent);
    }
    try {
      Files.createDirectory(path, ownerOnly(path));
    } catch (FileAlreadyExistsException e) {
      if (!Files.isDirectory(path)) { // otherwise another process was faster
        throw e;
      }
    }
  }

  /**
   * Opens a lock file to read and write, and makes it if it is not there.
   *
   * @throws IOException also if it is a symbolic link, which would let whoever may write the folder
   *     have another file of this user overwritten
   */
  static FileChannel openLock(Path file) throws IOException {
    if (Files.isSymbolicLink(file)) {
      throw new FileSystemException(file.toString(), null, "is a symbolic link; remove it");
    }
    return FileChannel.open(
        file,
        StandardOpenOption.CREATE,
        StandardOpenOption.READ,
        StandardOpenOption.WRITE,
        LinkOption.NOFOLLOW_LINKS); // it may have become one since
  }

  /** Says what stands where a directory should be made. */
  static String inTheWay(FileAlreadyExistsException e) {
    String file = String.valueOf(e.getFile());
    Path path = Path.of(file);
    if (!Files.isSymbolicLink(path)) {
      return file + " is a file";
    }
    try {
      return "%s is a symbolic link to %s, which is not there"
          .formatted(file, Files.readSymbolicLink(path));
    } catch (IOException unreadable) {
      return file + " is a symbolic link to nothing";
    }
  }

  private static FileAttribute<?>[] ownerOnly(Path path) {
    return path.getFileSystem().supportedFileAttributeViews().contains("posix")
        ? new FileAttribute<?>[] {
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"))
        }
        : new FileAttribute<?>[0];
  }
}
