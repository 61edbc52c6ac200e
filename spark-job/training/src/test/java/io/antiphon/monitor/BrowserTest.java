package io.antiphon.monitor;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.io.TempDir;

/** Opens pages in a real browser. Where there is none, the build says that a class did not run. */
abstract class BrowserTest {
  /** Where tests leave screenshots, for people to look at. */
  static final Path PICTURES = Path.of("target", "report-pictures");

  /** What every plot shows. Pixels are read from a copy, so that the page stays as it was. */
  private static final String PLOTS =
      """
      [...document.querySelectorAll('.plot canvas')].map(canvas => {
        const copy = document.createElement('canvas');
        copy.width = canvas.width;
        copy.height = canvas.height;
        const pen = copy.getContext('2d', {willReadFrequently: true});
        pen.drawImage(canvas, 0, 0);
        const pixels = new Uint32Array(
          pen.getImageData(0, 0, copy.width, copy.height).data.buffer);
        return {label: canvas.getAttribute('aria-label'), colours: new Set(pixels).size,
          picture: copy.toDataURL()};
      })
      """;

  /**
   * What a plot shows.
   *
   * @param colours how many different ones
   * @param picture as a data URL
   */
  record Plot(String label, int colours, String picture) {}

  private static @Nullable Chromium browser;

  @BeforeAll
  static void startBrowser(@TempDir Path profile, TestInfo test) throws Exception {
    Optional<Path> program = Chromium.find();
    if (program.isEmpty()) {
      String message =
          "NOT RUN: %s needs Chromium (Debian package chromium) on the PATH"
              .formatted(test.getDisplayName());
      System.out.println(message);
      Assumptions.abort(message);
    }
    browser = Chromium.start(program.orElseThrow(), profile);
  }

  @AfterAll
  static void closeBrowser() {
    if (browser != null) {
      browser.close();
      browser = null;
    }
  }

  /** A new page that shows a file, when it has come to rest; {@code width} is in CSS pixels. */
  static Chromium open(Path file, int width, boolean dark) throws Exception {
    Chromium page = Objects.requireNonNull(browser);
    page.newPage();
    page.show(width, 900, dark);
    page.open(file.toUri());
    page.settle();
    return page;
  }

  /** The plots of the page, in its order. */
  static List<Plot> plots(Chromium page) throws Exception {
    List<Plot> plots = new ArrayList<>();
    for (JsonNode plot : page.evaluate(PLOTS)) {
      plots.add(
          new Plot(
              plot.get("label").asText(),
              plot.get("colours").asInt(),
              plot.get("picture").asText()));
    }
    return plots;
  }

  /** Selects an option of a list, as a click would. */
  static void select(Chromium page, String list, int option) throws Exception {
    page.evaluate(
        """
        (() => {
          const select = document.querySelector('%s');
          select.selectedIndex = %d;
          select.dispatchEvent(new Event('change'));
        })()
        """
            .formatted(list, option));
    page.settle();
  }
}
