package io.antiphon.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is said about a library that is missing, whatever this machine has. */
class NativeLibrariesTest {
  @Test
  void theLoadersOwnWordsAreFoundAmongStackTraces() {
    UnsatisfiedLinkError long_ =
        new UnsatisfiedLinkError(
            """
            Error while loading native library "JCudaDriver"
            Stack trace from the attempt to load the library as a file:
            java.lang.UnsatisfiedLinkError: no JCudaDriver in java.library.path
            \tat java.base/java.lang.ClassLoader.loadLibrary(ClassLoader.java)
            java.lang.UnsatisfiedLinkError: /tmp/x.so: libcuda.so.1: cannot open shared object file
            """);
    assertThatThrownBy(() -> load("libcuda.so.1", long_))
        .isInstanceOf(DeviceException.class)
        .hasMessageContaining(
            "libcuda.so.1 (a library) could not be loaded: libcuda.so.1: cannot open shared object"
                + " file. Looked in LD_LIBRARY_PATH")
        .hasMessageContaining("Install the NVIDIA driver, or name its folder")
        .hasMessageNotContaining("\n");
  }

  @Test
  void whatALibraryNeedsIsWhatToInstall() {
    UnsatisfiedLinkError error =
        new UnsatisfiedLinkError(
            "/tmp/libjnicublas.so: libcublas.so.13: cannot open shared object file: No such file");
    assertThatThrownBy(() -> load("libcublasLt.so.13", error))
        .hasMessageStartingWith(
            "libcublasLt.so.13 (a library) could not be loaded: libcublas.so.13")
        .hasMessageContaining("Install libcublas.so.13, or name its folder");
  }

  @Test
  void bindingsThatAreNotOnTheClassPathAreNotTheLibrarysFault() {
    NoClassDefFoundError error = new NoClassDefFoundError("jcuda/driver/JCudaDriver");
    error.initCause(new ClassNotFoundException("jcuda.driver.JCudaDriver"));
    assertThatThrownBy(() -> load("libcuda.so.1", error))
        .hasMessageContaining("cannot be used: the class path lacks jcuda.driver.JCudaDriver. Inst")
        .hasMessageNotContaining("LD_LIBRARY_PATH");
  }

  @Test
  void theFirstCauseCounts() {
    ExceptionInInitializerError outer =
        new ExceptionInInitializerError(
            new IllegalStateException(new UnsatisfiedLinkError("undefined symbol: nvrtcVersion")));
    assertThatThrownBy(() -> load("libnvrtc.so.13", outer))
        .hasMessageContaining("could not be loaded: undefined symbol: nvrtcVersion.")
        .hasMessageContaining("Install libnvrtc.so.13, or name its folder");
  }

  @Test
  void ofALaterAttemptTheJvmsWordsAreLeftOut() {
    NoClassDefFoundError later = new NoClassDefFoundError("Could not initialize class X");
    later.initCause(
        new ExceptionInInitializerError(
            "Exception java.lang.UnsatisfiedLinkError: Error while loading it [in thread \"main\"]"));
    assertThatThrownBy(() -> load("libcuda.so.1", later))
        .hasMessageContaining("could not be loaded: Error while loading it. Looked in");
  }

  @Test
  void aFileThatIsThereIsNamed(@TempDir Path folder) throws Exception {
    Files.writeString(folder.resolve("libthere.so.1"), "no library");
    String before = System.getProperty("java.library.path", "");
    System.setProperty("java.library.path", folder.toString());
    try {
      assertThatThrownBy(
              () -> load("libthere.so.1", new UnsatisfiedLinkError("invalid ELF header")))
          .hasMessageContaining("It is in " + folder + ", but could not be loaded.");
    } finally {
      System.setProperty("java.library.path", before);
    }
  }

  @Test
  void otherFailuresPass() {
    assertThatThrownBy(
            () ->
                NativeLibraries.load(
                    "libcuda.so.1",
                    "a library",
                    () -> {
                      throw new DeviceException("a call failed", true);
                    }))
        .isInstanceOfSatisfying(DeviceException.class, e -> assertThat(e.sticky()).isTrue())
        .hasMessage("a call failed");
  }

  private static void load(String soname, Error error) {
    NativeLibraries.load(
        soname,
        "a library",
        () -> {
          throw error;
        });
  }
}
