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

    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false) },
    };

    internal static string Write(ModelSpectrum spectrum)
    {
        try
        {
            return JsonSerializer.Serialize(new Envelope { Format = spectrum.Parts.IsEmpty ? Format : FormatWithParts, Spectrum = spectrum }, Options);
        }
        catch (ArgumentException error)
        {
            throw new SpectralKDException($"the spectrum of {spectrum.Model} holds a number that is not finite, which JSON cannot say: analyse again", error);
        }
    }

    internal static ModelSpectrum Read(string json, string where) => Read(Encoding.UTF8.GetBytes(json), where);

    internal static void Save(ModelSpectrum spectrum, string path)
        => AtomicFile.WriteText(path, Write(spectrum));

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
    private static void RequirePlain(JsonElement element, Func<string> place, string where)
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
            throw new SpectralKDException($"{where} is not a spectrum: {place()} {fault}");
        }

        if (element.ValueKind == JsonValueKind.Array)
        {
            var index = 0;
            foreach (var item in element.EnumerateArray())
            {
                RequirePlain(item, () => FormattableString.Invariant($"{place()}[{index}]"), where);
                index++;
            }
        }
        else if (element.ValueKind == JsonValueKind.Object)
        {
            foreach (var entry in element.EnumerateObject())
            {
                RequirePlain(entry.Value, () => $"{place()}.{entry.Name}", where);
            }
        }
    }

    private sealed record Envelope
    {
        public required string Format { get; init; }

        public required ModelSpectrum Spectrum { get; init; }
    }
}
