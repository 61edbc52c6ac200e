package io.antiphon.data.files;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;

/** Local files under {@code full:/}, on a disk without a free byte, as Hadoop reports it. */
public final class FullFileSystem extends RawLocalFileSystem {
  /** Settings under which Hadoop knows it. */
  public static Configuration configuration() {
    Configuration configuration = new Configuration();
    configuration.set("fs.full.impl", FullFileSystem.class.getName());
    return configuration;
  }

  /** The address of a local directory on the full disk. */
  public static String address(Path directory) {
    return "full:" + directory.toAbsolutePath();
  }

  @Override
  public URI getUri() {
    return URI.create("full:///");
  }

  @Override
  public String getScheme() {
    return "full";
  }

  @Override
  public FSDataOutputStream create(
      org.apache.hadoop.fs.Path file,
      FsPermission permission,
      boolean overwrite,
      int bufferSize,
      short replication,
      long blockSize,
      Progressable progress)
      throws IOException {
    return create(file, overwrite, bufferSize, replication, blockSize, progress);
  }

  @Override
  public FSDataOutputStream create(
      org.apache.hadoop.fs.Path file,
      boolean overwrite,
      int bufferSize,
      short replication,
      long blockSize,
      Progressable progress)
      throws IOException {
    super.create(file, overwrite, bufferSize, replication, blockSize, progress).close();
    // The kernel's own full disk; without a permission, which would be set on the device.
    FSDataOutputStream full =
        super.create(
            new org.apache.hadoop.fs.Path("/dev/full"),
            true,
            bufferSize,
            replication,
            blockSize,
            progress);
    full.write(0); // waits in a buffer, and does not fit when the file is closed
    return full;
  }
}
