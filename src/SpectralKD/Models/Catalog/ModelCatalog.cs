using System.Text.RegularExpressions;

namespace SpectralKD.Models;

/// <summary>The models that can be created by name: timm's, and nano ones for experiments on a CPU.</summary>
/// <example><code>
/// foreach (var entry in ModelCatalog.Search("deit small"))
/// {
///     Console.WriteLine($"{entry.Name}: {entry.Parameters} parameters, {entry.Blocks.Count} blocks");
/// }
/// </code></example>
public static class ModelCatalog
{
    private static readonly string[] HubPrefixes = ["hf-hub:", "hf_hub:", "timm/"];

    /// <summary>All models, timm's first.</summary>
    public static IReadOnlyList<ModelCatalogEntry> All { get; } = [.. PublishedModels.All, .. PlainTransformers.All, .. HierarchicalModels.All, .. StudentVariants.All, .. NanoModels.All];

    /// <summary>Finds a model by its timm name.</summary>
    /// <param name="name">
    /// For example <c>deit_tiny_patch16_224</c>, with a tag <c>deit_tiny_patch16_224.fb_in1k</c>, or as a hub repository
    /// <c>timm/deit_tiny_patch16_224.fb_in1k</c>. A tag chooses the weights and their preprocessing.
    /// </param>
    /// <exception cref="SpectralKDException">No such model, or no such tag; the message names the nearest.</exception>
    public static ModelCatalogEntry Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        var (model, tag) = Split(name.Trim());
        var entry = All.FirstOrDefault(entry => string.Equals(entry.Name, model, StringComparison.OrdinalIgnoreCase))
            ?? throw Unknown(name, model);
        return tag is null ? entry : WithTag(entry, tag);
    }

    /// <summary>Models that every word of a filter fits, in catalogue order, as timm's <c>list_models</c>.</summary>
    /// <param name="filter">
    /// Words separated by spaces; null or empty gives all. A plain word is a part of a name, a family or a tag. One with <c>*</c>, <c>?</c>, <c>[seq]</c> or <c>[!seq]</c> is a whole
    /// name, family, or name with tag: <c>vit_*</c>, <c>*dino*</c>, <c>deit_[ts]*</c>. Where it takes a tag to fit such a word, or one with a dot (<c>vit_base_patch16_224.dino</c>), there is an entry for each tag that does.
    /// </param>
    /// <param name="pretrained">True leaves out models without weights.</param>
    public static IReadOnlyList<ModelCatalogEntry> Search(string? filter, bool pretrained = false)
    {
        var words = (filter ?? string.Empty).Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var byTag = words.Any(word => word.Contains('.', StringComparison.Ordinal) || IsPattern(word));
        Predicate<string>[] tests = [.. words.Select(word => IsPattern(word) ? Pattern(word) : name => name.Contains(word, StringComparison.OrdinalIgnoreCase))];
        return [.. All.Where(entry => !pretrained || entry.Weights is not null).SelectMany(entry => Fitting(entry, tests, byTag))];
    }

    private static IEnumerable<ModelCatalogEntry> Fitting(ModelCatalogEntry entry, Predicate<string>[] tests, bool byTag)
    {
        if (Fits([entry.Name, entry.Family]) || (!byTag && Fits([entry.Name, entry.Family, .. entry.Published.Select(weights => weights.Tag)])))
        {
            return [entry];
        }

        return byTag ? entry.Published.Where(weights => Fits([entry.Name, entry.Family, $"{entry.Name}.{weights.Tag}"])).Select(weights => WithTag(entry, weights.Tag)) : [];

        bool Fits(string[] names) => tests.All(test => Array.Exists(names, test));
    }

    private static bool IsPattern(string word) => word.IndexOfAny(['*', '?', '[']) >= 0;

    // As Python's fnmatch: a bracket that is not closed is itself, and a range from a later to an earlier letter fits nothing.
    private static Predicate<string> Pattern(string pattern)
    {
        var expression = Regex.Replace(pattern, @"\[(!?)([^\]]+)\]|.", part => part.Value switch
        {
            "*" => ".*",
            "?" => ".",
            ['[', .., ']'] => $"[{(part.Groups[1].Length > 0 ? "^" : "")}{Regex.Replace(part.Groups[2].Value, @"[\\^\[]", @"\$0")}]",
            var plain => Regex.Escape(plain),
        });
        try
        {
            return new Regex($"^{expression}$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant).IsMatch;
        }
        catch (RegexParseException)
        {
            return _ => false;
        }
    }

    /// <summary>Creates a model by name with timm's initial weights, on the CPU and in training mode: for tests. Users load by <see cref="Weights.ModelLoader"/>.</summary>
    /// <param name="name">As for <see cref="Find"/>.</param>
    /// <param name="classes">Classes of the head; null for the model's own.</param>
    /// <param name="imageSize">Size of the image in pixels; null for the model's own.</param>
    /// <param name="seed">Seed of the initial weights.</param>
    /// <param name="dropPath">Stochastic depth rate in training, in [0, 1).</param>
    /// <exception cref="SpectralKDException">No such model, or the sizes do not fit together.</exception>
    internal static VisionModel Create(string name, int? classes = null, ImageSize? imageSize = null, long seed = 0, double dropPath = 0)
    {
        var spec = Find(name).Spec;
        return Create(
            spec with { Classes = classes ?? spec.Classes, ImageSize = imageSize ?? spec.ImageSize, DropPathRate = dropPath }, seed);
    }

    /// <summary>Creates a model from sizes of one's own, on the CPU and in training mode; models that have a name load by <see cref="Weights.ModelLoader"/>.</summary>
    /// <param name="spec">Any configuration of a family.</param>
    /// <param name="seed">Seed of timm's initial weights; null leaves the weights at zero, for a checkpoint to fill.</param>
    /// <exception cref="SpectralKDException">The sizes do not fit together.</exception>
    public static VisionModel Create(ModelSpec spec, long? seed = 0)
    {
        ArgumentNullException.ThrowIfNull(spec);
        var model = spec.Build();
        if (seed is { } number)
        {
            TimmInitialization.Apply(model, number);
            model.Origin = new ModelOrigin
            {
                Kind = WeightsKind.Seeded,
                Name = FormattableString.Invariant($"seed {number}"),
                Source = FormattableString.Invariant($"seeded:{number}"),
            };
        }

        return model;
    }

    private static (string Model, string? Tag) Split(string name)
    {
        foreach (var prefix in HubPrefixes)
        {
            name = name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase) ? name[prefix.Length..] : name;
        }

        var dot = name.IndexOf('.', StringComparison.Ordinal);
        return dot < 0 ? (name, null) : (name[..dot], name[(dot + 1)..]);
    }

    private static ModelCatalogEntry WithTag(ModelCatalogEntry entry, string tag)
    {
        var weights = entry.Published.FirstOrDefault(weights => string.Equals(weights.Tag, tag, StringComparison.OrdinalIgnoreCase))
            ?? throw new SpectralKDException(entry.Published.Count == 0
                ? $"{entry.Name} has no published weights, so no tag '{tag}': use '{entry.Name}' alone"
                : $"{entry.Name} has no tag '{tag}': known are {string.Join(", ", entry.Published.Select(known => known.Tag))}");
        return entry with
        {
            Weights = weights,
            Spec = entry.Spec with { Classes = weights.Classes, Preprocessing = weights.Preprocessing },
        };
    }

    private static SpectralKDException Unknown(string name, string model)
    {
        var nearest = NearestName.Completing(model, All.Select(entry => entry.Name));
        return new SpectralKDException(
            $"no model is called '{name}'; nearest: {string.Join(", ", nearest)}; the catalogue has {All.Count} models");
    }
}

/// <summary>One model that can be created by name.</summary>
public sealed record ModelCatalogEntry
{
    /// <summary>The model's sizes at its own image size, class count and preprocessing.</summary>
    public required ModelSpec Spec { get; init; }

    /// <summary>The published weights that the name stands for (the first tag, or the tag that was asked for); null for none.</summary>
    public PretrainedWeights? Weights { get; init; }

    /// <summary>All published weights of this model that are known here, timm's default first.</summary>
    public IReadOnlyList<PretrainedWeights> Published { get; init; } = [];

    /// <summary>Where weights are that no repository of the hub has, and under which licence, for a reader; null where there is nothing to say.</summary>
    public string? Elsewhere { get; init; }

    /// <summary>timm name without tag.</summary>
    public string Name => Spec.Name;

    /// <summary>A model with weights on the hub, whose first tag gives the classes and the preprocessing that the name stands for.</summary>
    internal static ModelCatalogEntry OnHub(ModelSpec spec, IEnumerable<PretrainedWeights> tags)
    {
        var published = tags.ToArray();
        return new ModelCatalogEntry { Spec = spec with { Classes = published[0].Classes, Preprocessing = published[0].Preprocessing }, Weights = published[0], Published = published };
    }

    /// <summary><c>ViT</c>, <c>DeiT</c>, <c>CaiT</c>, <c>Swin</c>, <c>PVT v2</c>, …</summary>
    public string Family => Spec.Family;

    /// <summary>Trained numbers and forward cost.</summary>
    public ModelFigures Figures => Spec.Count();

    /// <summary>Trained numbers.</summary>
    public long Parameters => Figures.Parameters;

    /// <summary>The blocks (stages for Swin) with the shapes of their feature maps.</summary>
    public IReadOnlyList<BlockInfo> Blocks => [.. Figures.Blocks.Select(figures => figures.Block)];

    /// <summary>Channels of the feature maps: one number, or one for each stage.</summary>
    public IReadOnlyList<int> Dims => [.. Blocks.Select(block => block.Channels).Distinct()];
}

/// <summary>One trained set of weights of a model: as timm 1.0.11 lists it, or carried by this library.</summary>
public sealed record PretrainedWeights
{
    /// <summary>Weights in timm's repository of a model's name and a tag.</summary>
    internal static PretrainedWeights OfTimm(string model, string tag, string license, int classes, Preprocessing preprocessing) => new()
    {
        Tag = tag,
        Repository = $"timm/{model}.{tag}",
        License = license,
        Classes = classes,
        Preprocessing = preprocessing,
    };

    /// <summary>timm's tag, for example <c>fb_in1k</c>.</summary>
    public required string Tag { get; init; }

    /// <summary>Repository on the Hugging Face hub, for example <c>timm/deit_tiny_patch16_224.fb_in1k</c>; null where this library carries them.</summary>
    public string? Repository { get; init; }

    /// <summary>Licence of the weights as the repository states it, an SPDX name in lower case.</summary>
    public required string License { get; init; }

    /// <summary>True where the licence forbids commercial use (Creative Commons NC).</summary>
    public bool IsNonCommercial => License.Contains("-nc", StringComparison.Ordinal);

    /// <summary>The licence, and what it forbids.</summary>
    internal string LicenseWords => IsNonCommercial ? $"{License}, NOT FOR COMMERCIAL USE" : License;

    /// <summary>Classes of its head; 0 for weights without one.</summary>
    public int Classes { get; init; } = 1000;

    /// <summary>How images are prepared for these weights.</summary>
    public required Preprocessing Preprocessing { get; init; }
}
