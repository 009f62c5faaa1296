namespace SpectralKD.Distillation;

/// <summary>
/// One term of a loss: what a method compares, and what it learns for that. A method is a file with one class derived from this and its <see cref="LossKind"/>,
/// which has a line in <see cref="LossCatalog"/>; nothing else names it.
/// </summary>
internal abstract class DistillationTerm : IDisposable
{
    /// <summary>What the term owns: parameters with their names, and buffers; float32. Null for most. It goes into checkpoints, never into the student or its average.</summary>
    public virtual nn.Module? Module => null;

    /// <summary>Whether its weights (not its biases and vectors) take the recipe's weight decay.</summary>
    public virtual bool Decays => false;

    /// <summary>The unweighed loss of a batch.</summary>
    /// <returns>A float32 scalar with gradients by the student's outputs and the term's parameters, in the caller's scope.</returns>
    public abstract Tensor Of(TermInputs inputs);

    /// <summary>Called after each step of the optimiser, without gradients.</summary>
    public virtual void AfterStep()
    {
    }

    /// <inheritdoc/>
    public void Dispose() => Module?.Dispose();
}

/// <summary>What a term sees of a batch.</summary>
internal sealed record TermInputs
{
    /// <summary>The student's logits, float32 <c>[B, K]</c>.</summary>
    public required Tensor Logits { get; init; }

    /// <summary>Class indices int64 <c>[B]</c>, or probabilities float32 <c>[B, K]</c> (mixup, CutMix).</summary>
    public required Tensor Labels { get; init; }

    /// <summary>The teacher's logits, float32 <c>[B, K]</c>; null where the term asks for none.</summary>
    public Tensor? TeacherLogits { get; init; }

    /// <summary>The student's maps of the term's layer pairs, <c>[B, C, H, W]</c>; the last after the final norm where the term asks for that.</summary>
    public IReadOnlyList<Tensor> Maps { get; init; } = [];

    /// <summary>The teacher's, as many.</summary>
    public IReadOnlyList<Tensor> TeacherMaps { get; init; } = [];

    /// <summary>0-based epoch.</summary>
    public int Epoch { get; init; }

    /// <summary>Where the term draws its random numbers: seed, epoch, step, part of the step, place of the term. Equal places give equal numbers.</summary>
    public long[] Place { get; init; } = [];

    /// <summary>The teacher's logits, of the student's shape.</summary>
    /// <exception cref="SpectralKDException">There are none, or of other classes.</exception>
    public Tensor RequireTeacherLogits(string loss)
    {
        var other = TeacherLogits ?? throw new SpectralKDException($"the loss {loss} needs the teacher's logits: give a teacher");
        LogitLoss.CheckPair(Logits, other);
        return other;
    }

    /// <summary>The classes of the labels, int64 <c>[B]</c>; of probabilities the most likely.</summary>
    public Tensor Targets() => Labels.is_floating_point() ? Labels.argmax(1) : Labels;

    /// <summary>The generator of the term's place.</summary>
    public CounterRandom Random() => new(Place);

    /// <summary>The pairs' maps in real precision.</summary>
    public IEnumerable<(Tensor Student, Tensor Teacher)> Pairs() =>
        Maps.Zip(TeacherMaps, (own, other) => (AlignmentLoss.RealPrecision(own), AlignmentLoss.RealPrecision(other)));

    /// <summary>The mean of a distance over the pairs' maps, student first.</summary>
    public Tensor MeanOverPairs(Func<Tensor, Tensor, Tensor> distance) =>
        TermMath.Scoped(() => TermMath.Mean([.. Pairs().Select(pair => distance(pair.Student, pair.Teacher))]));
}

/// <summary>The sizes that a term is made for.</summary>
/// <param name="Pairs">Its layer pairs.</param>
/// <param name="Seed">Seed of its initial values.</param>
internal sealed record TermSizes(IReadOnlyList<LayerPair> Pairs, long Seed);

/// <summary>Arithmetic that several methods share.</summary>
internal static class TermMath
{
    /// <summary>Sum of scalars.</summary>
    public static Tensor Sum(IEnumerable<Tensor> terms) => terms.Aggregate((sum, term) => sum.Plus(term));

    /// <summary>Mean of scalars.</summary>
    public static Tensor Mean(IReadOnlyCollection<Tensor> terms) => Sum(terms).Over(terms.Count);

    /// <summary>A term computed in a scope of its own; only the result stays.</summary>
    public static Tensor Scoped(Func<Tensor> compute)
    {
        using var scope = NewDisposeScope();
        return compute().MoveToOuterDisposeScope();
    }

    /// <summary>A feature map's tokens: <c>[B, C, H, W]</c> to <c>[B, N, C]</c>.</summary>
    public static Tensor Tokens(Tensor map) => map.flatten(2).transpose(1, 2);

    /// <summary>Both maps with the channels of the narrower, the wider one averaged (<see cref="ChannelPooling"/>).</summary>
    public static (Tensor Student, Tensor Teacher) Narrowed(Tensor student, Tensor teacher)
    {
        var channels = Math.Min(student.shape[1], teacher.shape[1]);
        return (ChannelPooling.To(channels, student), ChannelPooling.To(channels, teacher));
    }

    /// <summary>Each row divided by its l2 norm, at least 1e-12, over the last dimension.</summary>
    public static Tensor UnitRows(Tensor rows)
    {
        using var scope = NewDisposeScope();
        return (rows / rows.Squared().sum(-1, keepdim: true).sqrt().AtLeast(1e-12)).MoveToOuterDisposeScope();
    }

    /// <summary>Fills a parameter with uniform values in +-bound, which depend on seed and name alone.</summary>
    public static void FillUniform(Tensor parameter, string name, double bound, long seed)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var random = new SeededNormal(seed, name);
        parameter.copy_(tensor([.. Enumerable.Range(0, (int)parameter.numel()).Select(i => (float)(bound * ((2 * random.Uniform(i)) - 1)))], parameter.shape));
    }
}
