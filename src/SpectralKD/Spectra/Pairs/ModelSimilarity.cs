using System.Collections.Immutable;
using System.Diagnostics;
using Microsoft.Data.Analysis;

namespace SpectralKD.Spectra;

/// <summary>
/// Two models side by side: what each block of a student has in common with each block of a teacher over the same images, before or after training. Memory grows
/// by some KB a batch (16 bytes for each pair of blocks), and not with the images otherwise. It splits over machines by <see cref="SimilarityOptions.Shard"/>.
/// </summary>
/// <example><code>
/// using var teacher = ModelLoader.Load("cait_nano_patch8_64");
/// using var student = ModelLoader.Load("deit_nano_patch8_64");
/// var similarity = ModelSimilarity.Run(teacher, student, ImageSources.Open("textures", count: 200, size: 64));
/// Console.WriteLine(similarity.Pair(0, 0).Cka);
/// similarity.ToDataFrame().SaveTable("similarity.csv");
/// </code></example>
public sealed record ModelSimilarity
{
    /// <summary>The teacher's name.</summary>
    public required string Teacher { get; init; }

    /// <summary>The student's name.</summary>
    public required string Student { get; init; }

    /// <summary>Where the images come from.</summary>
    public required string Source { get; init; }

    /// <summary>Number of images.</summary>
    public required long Images { get; init; }

    /// <summary>Number of directions k of the subspaces that <see cref="BlockSimilarity.Grassmann"/> compares.</summary>
    public required int Directions { get; init; }

    /// <summary>All pairs: the student's blocks in order, each with the teacher's in order.</summary>
    public required ImmutableArray<BlockSimilarity> Pairs { get; init; }

    /// <summary>What a reader should know, one line each.</summary>
    public required ImmutableArray<string> Notes { get; init; }

    /// <summary>The figures of the teacher's blocks that need their tokens, in order of depth.</summary>
    internal ImmutableArray<TokenRank> TeacherRanks { get; init; } = [];

    /// <summary>What the figures are made of; null where somebody put them together by hand.</summary>
    internal SimilaritySums? Sums { get; init; }

    /// <summary>Takes two models' features over the same images and compares all pairs of blocks.</summary>
    /// <param name="teacher">One model; switched to evaluation mode meanwhile.</param>
    /// <param name="student">The other; it may be the same object.</param>
    /// <param name="images">The images; each model sees them in its own size and preprocessing. Those that cannot be read are left out, which makes their batch smaller, and named in the notes.</param>
    /// <param name="options">Batch, tokens, directions, part.</param>
    /// <param name="progress">Told after every batch.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <exception cref="SpectralKDException">The source is empty or unreadable, an option is out of range, or a map holds NaN or infinity.</exception>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    public static ModelSimilarity Run(
        VisionModel teacher, VisionModel student, IImageSource images, SimilarityOptions? options = null, IProgress<AnalysisProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(teacher);
        ArgumentNullException.ThrowIfNull(student);
        ArgumentNullException.ThrowIfNull(images);
        LibTorch.EnsureLoaded();
        var settings = options ?? new SimilarityOptions();
        settings.Check();
        if (images.Count == 0)
        {
            throw new SpectralKDException($"{images.Name} has no images, so there is nothing to compare");
        }

        using var scope = NewDisposeScope();
        using var run = new SimilarityRun(teacher, student, images, settings);
        return run.Over(progress, cancellation);
    }

    /// <summary>
    /// Merges parts (<see cref="SimilarityOptions.Shard"/>) to what one run gives, bit for bit on machines of one kind. Parts that are missing are named in the notes; a part of which not
    /// one image can be read cannot be made.
    /// </summary>
    /// <param name="parts">The parts in any order, at least one; merged ones too.</param>
    /// <exception cref="SpectralKDException">The list is empty, a part is there twice, or models, weights, images or options differ.</exception>
    public static ModelSimilarity Merge(IEnumerable<ModelSimilarity> parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        return SimilaritySums.Merge(parts.Select(part => part.Summed)).Figures();
    }

    /// <summary>Writes all that the figures are made of to a .safetensors file, exactly, so that parts can be merged: some KB a batch, and the tokens that were kept.</summary>
    /// <param name="path">The file; it appears whole or not at all.</param>
    /// <exception cref="SpectralKDException">It cannot be written.</exception>
    public void Save(string path) => Summed.Save(path);

    /// <summary>Reads a file that <see cref="Save"/> wrote.</summary>
    /// <exception cref="SpectralKDException">No such file, or its content is no similarity.</exception>
    public static ModelSimilarity Load(string path) => SimilaritySums.Load(path).Figures();

    private SimilaritySums Summed => Sums ?? throw new SpectralKDException($"the similarity of {Student} and {Teacher} was put together by hand, so it has no sums to save or merge: take one of ModelSimilarity.Run");

    /// <summary>The figures of one pair.</summary>
    /// <param name="student">0-based block of the student.</param>
    /// <param name="teacher">0-based block of the teacher.</param>
    /// <exception cref="SpectralKDException">There is no such block.</exception>
    public BlockSimilarity Pair(int student, int teacher) => Pairs.FirstOrDefault(pair => pair.Student.Index == student && pair.Teacher.Index == teacher)
        ?? throw new SpectralKDException($"there is no pair of {Student}'s block {student} and {Teacher}'s block {teacher}: they have {Pairs[^1].Student.Index + 1} and {Pairs[^1].Teacher.Index + 1} blocks");

    /// <summary>
    /// The table, a row for each pair: <c>student_block</c>, <c>student_name</c>, <c>teacher_block</c>, <c>teacher_name</c>, <c>cka</c>, <c>token_cka</c>, <c>r2</c>,
    /// <c>procrustes</c>, <c>grassmann</c>; see <see cref="BlockSimilarity"/>.
    /// </summary>
    public DataFrame ToDataFrame() => new(
        new Int32DataFrameColumn("student_block", Pairs.Select(pair => pair.Student.Index)),
        new StringDataFrameColumn("student_name", Pairs.Select(pair => pair.Student.Name)),
        new Int32DataFrameColumn("teacher_block", Pairs.Select(pair => pair.Teacher.Index)),
        new StringDataFrameColumn("teacher_name", Pairs.Select(pair => pair.Teacher.Name)),
        new DoubleDataFrameColumn("cka", Pairs.Select(pair => pair.Cka)),
        new DoubleDataFrameColumn("token_cka", Pairs.Select(pair => pair.TokenCka)),
        new DoubleDataFrameColumn("r2", Pairs.Select(pair => pair.R2)),
        new DoubleDataFrameColumn("procrustes", Pairs.Select(pair => pair.Procrustes)),
        new DoubleDataFrameColumn("grassmann", Pairs.Select(pair => pair.Grassmann)));
}

/// <summary>What a student's and a teacher's block have in common. Null where a figure cannot be had: tokens of maps of other sizes have no partners.</summary>
/// <param name="Student">The student's block.</param>
/// <param name="Teacher">The teacher's block.</param>
/// <param name="Cka">
/// Linear CKA between the images, whole maps as features: do both find the same images alike? Unbiased, batch by batch; 1 for equal geometry, 0 for none in common.
/// </param>
/// <param name="TokenCka">Linear CKA between the tokens within an image: do both find the same places alike?</param>
/// <param name="R2">
/// How much of the teacher's tokens a ridge regression on the student's explains, fitted on one half of the images and judged on the other; 1 all, below 0 less than their mean.
/// </param>
/// <param name="Procrustes">What is left of the squared distance between the tokens, scaled to length 1, after the best rotation: from 0 to 2.</param>
/// <param name="Grassmann">Distance of the subspaces of the tokens' strongest directions, root of the sum of their squared angles in radians.</param>
public sealed record BlockSimilarity(BlockInfo Student, BlockInfo Teacher, double? Cka, double? TokenCka, double? R2, double? Procrustes, double? Grassmann)
{
    /// <summary>The value of a figure.</summary>
    public double? Value(SimilarityFigure figure) => figure switch
    {
        SimilarityFigure.Cka => Cka,
        SimilarityFigure.TokenCka => TokenCka,
        SimilarityFigure.R2 => R2,
        SimilarityFigure.Procrustes => Procrustes,
        _ => Grassmann,
    };
}

/// <summary>The figures of <see cref="BlockSimilarity"/>.</summary>
public enum SimilarityFigure
{
    /// <summary>Linear CKA between images.</summary>
    Cka,

    /// <summary>Linear CKA between the tokens of an image.</summary>
    TokenCka,

    /// <summary>Explained share of a ridge regression.</summary>
    R2,

    /// <summary>Procrustes distance.</summary>
    Procrustes,

    /// <summary>Grassmann distance.</summary>
    Grassmann,
}

/// <summary>How two models are compared.</summary>
public sealed record SimilarityOptions
{
    /// <summary>Images in one forward pass and in one batch of CKA's estimate, at least 4.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>
    /// Tokens of each block that are kept for R^2, Procrustes and Grassmann, at least 16: places drawn from every image, the same in both models. 2,048 tokens of two models
    /// of 24 blocks and 1,024 channels are 400 MB, which the result holds so that it can be saved and merged.
    /// </summary>
    public int Tokens { get; init; } = 2048;

    /// <summary>Directions k of the subspaces, at least 1; fewer where a block has fewer channels.</summary>
    public int Directions { get; init; } = 10;

    /// <summary>Strength of the ridge regression, as a part of the mean variance of the student's channels, above 0.</summary>
    public double Ridge { get; init; } = 0.01;

    /// <summary>The part of the batches to take, so that a data set can be split over machines: every n-th batch; null takes all. Parts merge by <see cref="ModelSimilarity.Merge"/>.</summary>
    public DataShard? Shard { get; init; }

    /// <summary>Threads that decode images ahead of the models, at least 1. The figures do not depend on it.</summary>
    public int Workers { get; init; } = Math.Clamp(Environment.ProcessorCount, 1, 16);

    internal void Check()
    {
        string? wrong = BatchSize < HsicSums.Least ? $"the batch of an unbiased CKA has at least {HsicSums.Least} images, but is {BatchSize}"
            : Tokens < 16 ? $"at least 16 tokens are compared, but {Tokens} were asked for"
            : Directions < 1 ? $"at least one direction is compared, but {Directions} were asked for"
            : !(Ridge > 0 && double.IsFinite(Ridge)) ? FormattableString.Invariant($"the ridge is a number above 0, but is {Ridge}") : null;
        if (wrong is not null)
        {
            throw new SpectralKDException(wrong);
        }
    }
}

/// <summary>Ranks of a block's centred tokens.</summary>
/// <param name="Effective">Effective rank of the singular values.</param>
/// <param name="D95">Directions that hold 95 % of the energy.</param>
internal sealed record TokenRank(double Effective, int D95);

/// <summary>One comparison under way.</summary>
internal sealed class SimilarityRun : IDisposable
{
    private readonly (VisionModel Model, ModelRun Run) _teacher;
    private readonly (VisionModel Model, ModelRun Run) _student;
    private readonly IImageSource _images;
    private readonly SimilarityOptions _options;
    private readonly SkippedImages _skipped = new();
    private readonly SimilaritySums _sums;
    private readonly int[] _indices;

    internal SimilarityRun(VisionModel teacher, VisionModel student, IImageSource images, SimilarityOptions options)
    {
        (_images, _options) = (images, options);
        var part = options.Shard ?? new DataShard(1, 1);
        _indices = [.. Enumerable.Range(0, images.Count).Where(index => index / options.BatchSize % part.Count == part.Number - 1)];
        if (_indices.Length == 0)
        {
            throw new SpectralKDException(FormattableString.Invariant($"{images.Name} has {images.Count} images in batches of {options.BatchSize}, so part {part} has none: make fewer parts"));
        }

        _teacher = (teacher, new ModelRun(teacher, new SpectralOptions()));
        _student = (student, new ModelRun(student, new SpectralOptions()));
        _sums = new SimilaritySums(new SimilarityRecord
        {
            Teacher = SimilarityModel.Of(teacher),
            Student = SimilarityModel.Of(student),
            Source = images.Name,
            List = PartRecorder.HashOf(images),
            ListCount = images.Count,
            BatchSize = options.BatchSize,
            Tokens = options.Tokens,
            Directions = options.Directions,
            Ridge = options.Ridge,
            Of = part.Count,
            Parts = [part.Number],
        });
    }

    internal ModelSimilarity Over(IProgress<AnalysisProgress>? progress, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        foreach (var (one, two) in Batches(cancellation))
        {
            cancellation.ThrowIfCancellationRequested();
            Add(one, two);
            _sums.Record = _sums.Record with { Images = _sums.Record.Images + one.Count };
            progress?.Report(new AnalysisProgress(1, 1, _sums.Record.Images, _indices.Length, clock.Elapsed));
        }

        _sums.Record = _sums.Record with { LeftOut = [.. _skipped.Items] };
        return _sums.Figures();
    }

    public void Dispose()
    {
        _student.Run.Dispose();
        _teacher.Run.Dispose();
    }

    // The same images for the teacher and for the student, read once where both take them alike.
    private IEnumerable<(ImageBatch Teacher, ImageBatch Student)> Batches(CancellationToken cancellation)
    {
        var (teacher, student) = (_teacher.Model.Spec, _student.Model.Spec);
        var options = new BatchOptions { BatchSize = _options.BatchSize, Workers = _options.Workers, Indices = _indices, ByPlace = true };
        var first = ImageBatches.Read(_images, teacher.Preprocessing, teacher.ImageSize, options, _skipped, cancellation);
        if (teacher.Preprocessing == student.Preprocessing && teacher.ImageSize == student.ImageSize)
        {
            foreach (var batch in first)
            {
                using (batch)
                {
                    yield return (batch, batch);
                }
            }

            yield break;
        }

        var second = ImageBatches.Read(_images, student.Preprocessing, student.ImageSize, options, null, cancellation);
        foreach (var (one, two) in first.Zip(second))
        {
            using (one)
            using (two)
            {
                yield return one.Indices.SequenceEqual(two.Indices) ? (one, two)
                    : throw new SpectralKDException($"{_images.Name} gave {teacher.Name} and {student.Name} other images: give a source that can be read twice at the same time");
            }
        }
    }

    private void Add(ImageBatch one, ImageBatch two)
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        var (teacher, student) = (Maps(_teacher.Run, one), ReferenceEquals(_teacher.Model, _student.Model) ? null : Maps(_student.Run, two));
        student ??= teacher;
        var batch = one.Indices[0] / _options.BatchSize;
        if (one.Count >= HsicSums.Least)
        {
            _sums.Between.Add(batch, [.. student.Select(map => map.flatten(1))], [.. teacher.Select(map => map.flatten(1))]);
        }
        else
        {
            _sums.Record = _sums.Record with { PassedOver = _sums.Record.PassedOver + one.Count };
        }

        var grids = student.Concat(teacher).Select(map => (map.shape[2], map.shape[3])).Distinct().ToList();
        for (var image = 0; image < one.Count; image++)
        {
            if (grids.Count == 1 && grids[0].Item1 * grids[0].Item2 >= HsicSums.Least)
            {
                _sums.Within.Add(batch, [.. student.Select(map => TokensOf(map, image))], [.. teacher.Select(map => TokensOf(map, image))]);
            }

            _sums.Draw(one.Indices[image], student.Concat(teacher).Select(map => TokensOf(map, image)));
        }
    }

    private static Tensor[] Maps(ModelRun run, ImageBatch batch)
    {
        var output = run.Output(batch.Images);
        return [.. output.Maps.Select(map => map.Values.to(float64).cpu())];
    }

    private static Tensor TokensOf(Tensor map, int image) => map[image].flatten(1).t(); // (H*W, C)
}
