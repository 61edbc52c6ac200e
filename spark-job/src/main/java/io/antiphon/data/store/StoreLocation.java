package io.antiphon.data.store;

import io.antiphon.data.DataException;
import io.antiphon.data.files.Failures;
import io.antiphon.data.files.HadoopPath;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.Serializable;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * A packed token store as it travels to the ranks.
 *
 * @param directory holds the manifest and the shards
 * @param settings of the file system, where the driver's differ from Hadoop's defaults
 */
public record StoreLocation(String directory, Map<String, String> settings)
    implements Serializable {
  public StoreLocation {
    settings = Map.copyOf(settings);
  }

  static StoreLocation of(Path directory, Configuration configuration) {
    return new StoreLocation(directory.toString(), HadoopPath.changed(configuration));
  }

  /**
   * Reads the manifest.
   *
   * @throws DataException if it is missing or broken
   */
  public StoreManifest manifest() {
    String path = directory + "/" + StoreManifest.FILE;
    try (FSDataInputStream in = fileSystem().open(path(StoreManifest.FILE))) {
      byte[] json = in.readNBytes((int) StoreManifest.MAX_FILE_BYTES + 1);
      if (json.length > StoreManifest.MAX_FILE_BYTES) {
        throw new DataException(path + " is too large for a manifest of a token store");
      }
      return StoreManifest.parse(path, json);
    } catch (FileNotFoundException missing) {
      throw new DataException("no token store at " + directory + ": no manifest.json", missing);
    } catch (IOException | FSError failure) {
      throw new DataException("cannot read " + path + ": " + Failures.reason(failure), failure);
    }
  }

  /** Place of a file of the store. */
  public Path path(String file) {
    return new Path(directory, file);
  }

  /**
   * The file system the store is on, with its properties.
   *
   * @throws DataException if there is none
   */
  public FileSystem fileSystem() {
    Configuration configuration = new Configuration();
    settings.forEach(configuration::set);
    return HadoopPath.open("data.cache-dir", directory, configuration).files();
  }
}
