package io.antiphon.model;

import java.util.Optional;

/** Options of a model, which differ from those of another by name. */
final class ModelBuilder {
  private int vocabulary;
  private int endOfText;
  private int sequenceLength;
  private int layers;
  private int denseLayers;
  private int hidden;
  private int denseFfn;
  private double normEpsilon;
  private boolean tiedHead;
  private boolean recompute;
  private Optional<AttentionOptions> attention;
  private InitialWeights initialWeights;
  private MoeOptions moe;

  private ModelBuilder(ModelOptions base) {
    vocabulary = base.vocabulary();
    endOfText = base.endOfText();
    sequenceLength = base.sequenceLength();
    layers = base.layers();
    denseLayers = base.denseLayers();
    hidden = base.hidden();
    denseFfn = base.denseFfn();
    normEpsilon = base.normEpsilon();
    tiedHead = base.tiedHead();
    recompute = base.recompute();
    attention = base.attention();
    initialWeights = base.initialWeights();
    moe = base.moe();
  }

  static ModelBuilder from(ModelOptions base) {
    return new ModelBuilder(base);
  }

  ModelBuilder vocabulary(int tokens, int end) {
    vocabulary = tokens;
    endOfText = end;
    return this;
  }

  ModelBuilder sequenceLength(int tokens) {
    sequenceLength = tokens;
    return this;
  }

  ModelBuilder layers(int all) {
    layers = all;
    return this;
  }

  ModelBuilder denseLayers(int leading) {
    denseLayers = leading;
    return this;
  }

  ModelBuilder hidden(int width) {
    hidden = width;
    return this;
  }

  ModelBuilder tiedHead() {
    tiedHead = true;
    return this;
  }

  ModelBuilder recompute() {
    recompute = true;
    return this;
  }

  ModelBuilder attention(AttentionOptions of) {
    attention = Optional.of(of);
    return this;
  }

  ModelBuilder withoutAttention() {
    attention = Optional.empty();
    return this;
  }

  ModelBuilder initialStd(double std) {
    initialWeights = new InitialWeights(std, initialWeights.seed());
    return this;
  }

  ModelBuilder moe(MoeOptions layersOfExperts) {
    moe = layersOfExperts;
    return this;
  }

  ModelOptions build() {
    return new ModelOptions(
        vocabulary,
        endOfText,
        sequenceLength,
        layers,
        denseLayers,
        hidden,
        denseFfn,
        normEpsilon,
        tiedHead,
        recompute,
        attention,
        initialWeights,
        moe);
  }
}
