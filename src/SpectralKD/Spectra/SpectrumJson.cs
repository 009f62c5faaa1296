using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace SpectralKD.Spectra;

/// <summary>spectrum.json: a format name with its version around the spectra. Unknown keys are refused, numbers come back bit for bit.</summary>
internal static class SpectrumJson
{
    /// <summary>The format without a record of what the spectra were made of; older versions read it, too.</summary>
    internal const string Format = "spectralkd.spectrum/1";

    /// <summary>The format of spectra with <see cref="ModelSpectrum.Parts"/>.</summary>
    internal const string FormatWithParts = "spectralkd.spectrum/2";

    internal static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false) },
    };

    internal static string Write(ModelSpectrum spectrum) => Writing(spectrum, envelope => JsonSerializer.Serialize(envelope, Options));

    internal static ModelSpectrum Read(string json, string where) => Read(Encoding.UTF8.GetBytes(json), where);

    internal static void Save(ModelSpectrum spectrum, string path)
        => AtomicFile.Write(path, stream => Writing(spectrum, envelope =>
        {
            JsonSerializer.Serialize(stream, envelope, Options); // never whole in memory
            return true;
        }));

    internal static ModelSpectrum Load(string path)
    {
        if (!File.Exists(path))
        {
            throw new SpectralKDException($"there is no file {path}: give the path of a spectrum.json");
        }

        try
        {
            return Read(File.ReadAllBytes(path), path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SpectralKDException($"the spectrum {path} cannot be read: {error.Message}", error);
        }
    }

    private static T Writing<T>(ModelSpectrum spectrum, Func<Envelope, T> write)
    {
        try
        {
            return write(new Envelope { Format = spectrum.Parts.IsEmpty ? Format : FormatWithParts, Spectrum = spectrum });
        }
        catch (ArgumentException error)
        {
            throw new SpectralKDException($"the spectrum of {spectrum.Model} holds a number that is not finite, which JSON cannot say: analyse again", error);
        }
    }

    /// <summary>Whether a file begins as a spectrum does.</summary>
    internal static bool Looks(string path)
    {
        using var reader = File.OpenText(path);
        var start = new char[40];
        return new string(start, 0, reader.ReadBlock(start)).Contains("spectralkd.spectrum/", StringComparison.Ordinal);
    }

    private static ModelSpectrum Read(ReadOnlyMemory<byte> json, string where)
    {
        try
        {
            using var document = JsonDocument.Parse(json.Span.StartsWith(Encoding.UTF8.Preamble) ? json[3..] : json);
            RequireFormat(document.RootElement, where);
            RequirePlain(document.RootElement, () => "$", where);
            var spectrum = document.RootElement.Deserialize<Envelope>(Options)!.Spectrum;
            SpectrumCheck.Require(spectrum, where);
            return spectrum;
        }
        catch (JsonException error)
        {
            throw new SpectralKDException($"{where} is not a spectrum: {Reason(error)}", error);
        }
        catch (Exception error) when (error is InvalidOperationException or ArgumentException or FormatException)
        {
            throw new SpectralKDException($"{where} is not a spectrum: it holds text that is no Unicode, such as half an emoji", error);
        }
    }

    private static string Reason(JsonException error)
    {
        var message = error.Message.Split('\n')[0].Split(" Path: ")[0];
        return error.Path is null or "$" ? message
            : message.StartsWith("The JSON value could not be converted", StringComparison.Ordinal) ? $"{error.Path} holds a value of another kind"
            : $"{message} ({error.Path})";
    }

    /// <summary>Says "another format" before complaints about single keys of it.</summary>
    private static void RequireFormat(JsonElement root, string where)
    {
        var format = root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("format", out var value) ? "none"
            : value.ValueKind == JsonValueKind.String ? value.GetString() : value.ValueKind.ToString().ToLowerInvariant();
        if (format is not (Format or FormatWithParts))
        {
            throw new SpectralKDException(
                $"{where} is not a spectrum that this version reads: its format is {format}, wanted is {Format} or {FormatWithParts}");
        }

        if (!root.TryGetProperty("spectrum", out _))
        {
            throw new SpectralKDException($"{where} is not a spectrum: it has the format {format}, but holds no spectrum");
        }
    }

    /// <summary>What no spectrum that was written holds, and what the reader would take for a default or the last of two: null, infinity, a key twice.</summary>
    internal static void RequirePlain(JsonElement element, Func<string> place, string where, string what = "spectrum")
    {
        var fault = element.ValueKind switch
        {
            JsonValueKind.Null => "is null",
            JsonValueKind.Number when !double.IsFinite(element.GetDouble()) => "is no finite number",
            JsonValueKind.Object when element.EnumerateObject().GroupBy(entry => entry.Name).FirstOrDefault(group => group.Count() > 1) is { } twice =>
                $"has the key {twice.Key} twice",
            JsonValueKind.String when element.GetString() is null => "is null",
            _ => null,
        };
        if (fault is not null)
        {
            throw new SpectralKDException($"{where} is not a {what}: {place()} {fault}");
        }

        if (element.ValueKind == JsonValueKind.Array)
        {
            var index = 0;
            foreach (var item in element.EnumerateArray())
            {
                RequirePlain(item, () => FormattableString.Invariant($"{place()}[{index}]"), where, what);
                index++;
            }
        }
        else if (element.ValueKind == JsonValueKind.Object)
        {
            foreach (var entry in element.EnumerateObject())
            {
                RequirePlain(entry.Value, () => $"{place()}.{entry.Name}", where, what);
            }
        }
    }

    private sealed record Envelope
    {
        public required string Format { get; init; }

        public required ModelSpectrum Spectrum { get; init; }
    }
}

/// <summary>Refuses spectra whose parts contradict each other, as an edited or damaged file may hold.</summary>
internal static class SpectrumCheck
{
    private const long MostCells = 1 << 24; // of a map: 4096 x 4096, far beyond any model's

    internal static void Require(ModelSpectrum spectrum, string where)
    {
        Require(spectrum.Images > 0, where, $"it has {spectrum.Images} images");
        Require(!spectrum.Blocks.IsDefaultOrEmpty, where, "it has no blocks");
        Require(spectrum.Blocks[^1]?.Index < spectrum.Depth, where, $"it has a block beyond the model's {spectrum.Depth}");
        Require(spectrum.Model is not null && spectrum.Source is not null, where, "it names no model or no source");
        for (var i = 0; i < spectrum.Blocks.Length; i++)
        {
            var block = spectrum.Blocks[i];
            Require(block?.Name is not null, where, $"block number {i} is empty");
            Require(i == 0 || block!.Index > spectrum.Blocks[i - 1].Index, where, "its blocks are not in ascending order");
            RequireBlock(block!, spectrum, where);
        }

        Require(spectrum.Activations is not { } range || range.Minimum <= range.Maximum, where, "its range of activations is turned around");
        Require(spectrum.ResampledImages is not { } images || (!images.IsDefault && images.Length == Bootstrap.Resamples && images.All(count => count >= 0)), where, "its resamples' images are damaged");
        Require(!spectrum.Parts.IsDefault && !spectrum.Skipped.IsDefault, where, "a list of it is empty");
        Require(spectrum.Parts.Sum(part => (long)part.Images) <= spectrum.Images, where, $"its parts have more than its {spectrum.Images} images");
        Require(spectrum.PerImage?.IsWhole(spectrum.Images, spectrum.Blocks.Length) != false, where, "its list of single images has not a value for each image and block");
        foreach (var part in spectrum.Parts)
        {
            RequirePart(part, where);
        }
    }

    private static void RequirePart(SpectrumPart part, string where)
    {
        Require(part.Images > 0 && part.Contents.Length == ((8L * part.Images) + 2) / 3 * 4, where, $"{part.Words} has not 8 bytes of contents for each of {part.Images} images");
        Require(Convert.TryFromBase64String(part.Contents, new byte[part.Contents.Length], out _), where, $"{part.Words} has contents that are no base64");
        Require(part.List is null == part.ListCount is null && (part.List is not null || (part.Shard is null && part.LeftOut.IsEmpty)), where, $"{part.Words} has half a list");
        Require(part.Input is not { } input || !(input.Mean.IsDefault || input.Std.IsDefault), where, $"{part.Words} has no means");
        Require(!part.LeftOut.IsDefault && !part.Weights.Notes.IsDefault, where, $"{part.Words} lacks a list");
        if (part.ListCount is { } count)
        {
            var shard = part.Shard is { } text ? DataShard.Parse(text) : new DataShard(1, 1);
            var places = count < shard.Number ? 0 : ((count - shard.Number) / shard.Count) + 1;
            var belong = part.LeftOut.Distinct().Count(place => place >= 0 && place < count && place % shard.Count == shard.Number - 1);
            Require(
                belong == part.LeftOut.Length && places == part.Images + (long)belong,
                where,
                $"{part.Words} of {count} images has {part.Images} and {part.LeftOut.Length} left out");
        }
    }

    private static void RequireBlock(BlockSpectrum block, ModelSpectrum spectrum, string where)
    {
        Require(block.Channels > 0 && block.Height > 0 && block.Width > 0, where, $"{block.Name} has no size");
        Require((long)block.Height * block.Width <= MostCells, where, $"{block.Name} has maps of {block.Height} x {block.Width}");
        Require(block.Images == spectrum.Images, where, $"{block.Name} has {block.Images} images, the whole {spectrum.Images}");
        Require(block.Spatial is not null == spectrum.Domain.HasFlag(SpectralDomain.Spatial), where, $"{block.Name} and the domain differ");
        Require(block.Channel is not null == spectrum.Domain.HasFlag(SpectralDomain.Channel), where, $"{block.Name} and the domain differ");
        RequireLength(block.Spatial?.Amplitude, block.Height * block.Width, block, where);
        RequireLength(block.Spatial?.Power, block.Height * block.Width, block, where);
        RequireLength(block.Channel?.Magnitude, block.Channels, block, where);
        foreach (var sums in new[] { block.Spatial?.Intensities.Resampled, block.Channel?.Intensities.Resampled })
        {
            Require(sums is not { } resampled || (!resampled.IsDefault && resampled.Length == Bootstrap.Resamples), where, $"{block.Name} has not the sums of {Bootstrap.Resamples} resamples");
        }

        Require(
            block.Entropy is not { } entropy || entropy.Tokens == block.Images * block.Height * block.Width,
            where,
            $"{block.Name} has entropy of {block.Entropy?.Tokens} tokens, not of images x height x width");
    }

    private static void RequireLength(ImmutableArray<double>? values, int length, BlockSpectrum block, string where)
        => Require(
            values is not { } array || (!array.IsDefault && array.Length == length),
            where,
            $"{block.Name} is [{block.Channels}, {block.Height}, {block.Width}] but a list of its spectra does not have {length} numbers");

    private static void Require(bool condition, string where, string found)
    {
        if (!condition)
        {
            throw new SpectralKDException($"{where} is not a spectrum: {found}");
        }
    }
}
