using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace SpectralKD.Spectra;

/// <summary>
/// Feature maps as NumPy files in the layout of the authors' scripts (arXiv 2511.15572): a file for each image, <c>CLASS_IMAGE.npy</c>, float32 <c>[L, N, C]</c> of L blocks, N patch tokens
/// row by row (no class token) and C channels. Where blocks differ in size (Swin's stages) the authors pickle a list; here such an image is an <c>.npz</c> of <c>stage_0</c>, <c>stage_1</c>, …, each <c>[N, C]</c>.
/// </summary>
/// <example><code>
/// using var model = ModelLoader.Load("deit_nano_patch8_64");
/// FeatureFiles.Write(model, ImageSources.Open("textures", count: 10, size: 64), "features");
/// var spectrum = FeatureFiles.Analyze("features");      // also of features that Python has saved
/// </code></example>
public static partial class FeatureFiles
{
    /// <summary>Refuses a folder that holds features already.</summary>
    /// <exception cref="SpectralKDException">It does, and nobody said that they may be written among them.</exception>
    internal static void RequireRoom(string folder, bool force)
    {
        if (!force && Directory.Exists(folder) && Directory.EnumerateFiles(folder, "*.np?").Any())
        {
            throw new SpectralKDException($"{folder} holds features already: --force writes among them, or choose another folder");
        }
    }

    /// <summary>Runs images through a model and writes the maps of its blocks.</summary>
    /// <param name="model">The model; switched to evaluation mode while it runs.</param>
    /// <param name="images">The images; those that cannot be read are left out.</param>
    /// <param name="folder">The folder, made where it is missing.</param>
    /// <param name="options">Layers, point of the blocks, batch size, shard; null for the defaults.</param>
    /// <param name="progress">Told after every batch.</param>
    /// <param name="cancellation">Stops between two batches; the files written so far stay.</param>
    /// <returns>The files, in the order of the images, and why images were left out.</returns>
    /// <exception cref="SpectralKDException">There are no images, a layer does not exist, or a file cannot be written.</exception>
    public static (IReadOnlyList<string> Files, IReadOnlyList<string> Skipped) Write(
        VisionModel model, IImageSource images, string folder, SpectralOptions? options = null, IProgress<AnalysisProgress>? progress = null, CancellationToken cancellation = default)
    {
        options ??= new SpectralOptions();
        LibTorch.EnsureLoaded();
        var stream = new ImageStream(images, model, options, cancellation);
        using var numbers = ModelInPrecision.Of(model, options.Precision);
        using var run = new ModelRun(numbers.Model, options);
        var (files, taken, clock) = (new List<string>(), new HashSet<string>(StringComparer.OrdinalIgnoreCase), Stopwatch.StartNew());
        foreach (var batch in stream.Batches(0))
        {
            cancellation.ThrowIfCancellationRequested();
            run.Forward(batch, maps =>
            {
                List<Tensor> blocks = [.. maps.OrderBy(map => map.Block).Select(map => map.Values.permute(0, 2, 3, 1).flatten(1, 2).to(float32).cpu().contiguous())]; // (B, N, C)
                for (var image = 0; image < blocks[0].shape[0]; image++)
                {
                    files.Add(Write([.. blocks.Select(block => Tokens(block, image))], Path.Combine(folder, Free(FileName(batch.Name!(image)), taken))));
                }
            });

            progress?.Report(new AnalysisProgress(1, 1, files.Count, stream.Count, clock.Elapsed));
        }

        return (files, stream.Skipped);
    }

    /// <summary>The spectra of features in a folder, whoever wrote them.</summary>
    /// <param name="folder">A folder of <c>.npy</c> and <c>.npz</c> files, one for each image, or one such file.</param>
    /// <param name="model">What the model is called; null takes the folder's name.</param>
    /// <param name="domain">The transforms to take.</param>
    /// <param name="rows">Rows of the grid of patches; null where it is square.</param>
    /// <param name="cancellation">Stops between two images.</param>
    /// <returns>The spectra, without a record of weights: nobody can tell.</returns>
    /// <exception cref="SpectralKDException">There are no files, one is damaged or of another shape, or the tokens are no grid.</exception>
    public static ModelSpectrum Analyze(string folder, string? model = null, SpectralDomain domain = SpectralDomain.Spatial, int? rows = null, CancellationToken cancellation = default)
    {
        IReadOnlyList<string> files = File.Exists(folder) ? [folder] : !Directory.Exists(folder) ? []
            : [.. Directory.EnumerateFiles(folder).Where(file => Path.GetExtension(file).ToLowerInvariant() is ".npy" or ".npz").Order(StringComparer.Ordinal)];
        if (files.Count == 0)
        {
            throw new SpectralKDException($"there are no features in {folder}: give a folder of .npy or .npz files, one for each image");
        }

        LibTorch.EnsureLoaded();
        var source = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        SpectrumAccumulator? accumulator = null;
        ImmutableArray<BlockInfo> blocks = [];
        foreach (var file in files)
        {
            cancellation.ThrowIfCancellationRequested();
            var stages = Stages(file);
            ImmutableArray<BlockInfo> found = [.. stages.Select((stage, index) => Block(stage, index, rows, file))];
            blocks = accumulator is null ? found : blocks;
            accumulator ??= new SpectrumAccumulator(model ?? source, blocks, domain);
            if (!found.SequenceEqual(blocks))
            {
                throw new SpectralKDException($"{file} holds {Words(found)}, the files before it {Words(blocks)}: analyse features of one model at a time");
            }

            using var scope = NewDisposeScope();
            accumulator.Add([.. stages.Zip(blocks, (stage, block) => new FeatureMap(
                block.Index, from_array(stage.Values).view(1, block.Height, block.Width, block.Channels).permute(0, 3, 1, 2).contiguous()))], _ => file); // (1, C, H, W)
        }

        return accumulator!.ToSpectrum(source);
    }

    private static NumpyArray Tokens(Tensor block, int image) => new([(int)block.shape[1], (int)block.shape[2]], block.narrow(0, image, 1).contiguous().data<float>().ToArray());

    private static string Write(IReadOnlyList<NumpyArray> stages, string path)
    {
        if (stages.All(stage => stage.Shape.SequenceEqual(stages[0].Shape)))
        {
            NumpyFile.Write(path + ".npy", new NumpyArray([stages.Count, .. stages[0].Shape], [.. stages.SelectMany(stage => stage.Values)]));
            return path + ".npy";
        }

        NumpyFile.Write(path + ".npz", stages.Select((stage, index) => (FormattableString.Invariant($"stage_{index}"), stage)));
        return path + ".npz";
    }

    // An array [L, N, C] is L stages [N, C]; arrays of an archive are stages in the order of their numbers.
    private static List<NumpyArray> Stages(string file)
    {
        var arrays = NumpyFile.Read(file);
        if (arrays is [var (_, whole)] && whole.Shape is [var layers, var tokens, var channels])
        {
            return [.. Enumerable.Range(0, layers).Select(layer => new NumpyArray([tokens, channels], whole.Values[(layer * tokens * channels)..((layer + 1) * tokens * channels)]))];
        }

        return arrays.Count > 0 && arrays.All(entry => entry.Array.Shape.Length == 2) ? [.. arrays.OrderBy(entry => Number(entry.Name)).Select(entry => entry.Array)]
            : throw new SpectralKDException($"{file} is to hold [L, N, C] of blocks, tokens and channels, or in an .npz [N, C] for each stage; found {(arrays.Count == 0 ? "no array" : $"[{string.Join(", ", arrays[0].Array.Shape)}]")}");
    }

    private static BlockInfo Block(NumpyArray stage, int index, int? rows, string file)
    {
        var (tokens, channels) = (stage.Shape[0], stage.Shape[1]);
        var height = rows ?? (int)Math.Round(Math.Sqrt(tokens));
        return tokens > 0 && channels > 0 && height > 0 && tokens % height == 0 && (rows is not null || height * height == tokens)
            ? new BlockInfo(index, FormattableString.Invariant($"blocks.{index}"), channels, height, tokens / height)
            : throw new SpectralKDException($"{file}: {tokens} tokens of block {index} are no {(rows is null ? "square grid; give its rows, and leave class tokens out" : $"grid of {height} rows")}");
    }

    private static string Words(IEnumerable<BlockInfo> blocks) => string.Join(", ", blocks.GroupBy(block => (block.Height, block.Width, block.Channels))
        .Select(group => $"{group.Count()} x [{group.Key.Height * group.Key.Width}, {group.Key.Channels}]"));

    private static string FileName(string image) => Unsafe().Replace(Path.ChangeExtension(image, null), "_");

    private static string Free(string name, HashSet<string> taken)
    {
        var free = name;
        for (var number = 2; !taken.Add(free); number++)
        {
            free = FormattableString.Invariant($"{name}_{number}");
        }

        return free;
    }

    private static int Number(string name) => LastNumber().Match(name) is { Success: true } match ? int.Parse(match.Value, CultureInfo.InvariantCulture) : 0;

    [GeneratedRegex(@"[^\w.+-]+")]
    private static partial Regex Unsafe();

    [GeneratedRegex(@"\d{1,9}(?!.*\d)")]
    private static partial Regex LastNumber();
}
