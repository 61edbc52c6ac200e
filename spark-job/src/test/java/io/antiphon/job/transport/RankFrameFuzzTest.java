package io.antiphon.job.transport;

import io.antiphon.fuzz.Fuzz;
import java.nio.ByteBuffer;
import java.util.UUID;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("fuzz")
class RankFrameFuzzTest {
  @Test
  void framesOfRanksAreReadOrRefused() {
    Fuzz.of("rank frames", IllegalArgumentException.class)
        .from(new RankFrame.Hello(new UUID(1, 2), 3).encoded().array())
        .from(new RankFrame.Abort("why").encoded().array())
        .from(new RankFrame.Leave().encoded().array())
        .run(input -> RankFrame.decode(ByteBuffer.wrap(input)));
  }
}
