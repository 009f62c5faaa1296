using System.Text.Json;
using System.Text.Json.Serialization;

namespace SpectralKD.Spectra;

/// <summary>spectrum.json: a format name with its version around the spectra. Unknown keys are refused, numbers come back bit for bit.</summary>
internal static class SpectrumJson
{
    /// <summary>The format and the one version of it that is read and written.</summary>
    internal const string Format = "spectralkd.spectrum/1";

    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    internal static string Write(ModelSpectrum spectrum)
        => JsonSerializer.Serialize(new Envelope { Format = Format, Spectrum = spectrum }, Options);

    internal static ModelSpectrum Read(string json, string where)
    {
        var envelope = Parse(json, where);
        if (envelope?.Format != Format)
        {
            throw new SpectralKDException(
                $"{where} has the format {envelope?.Format ?? "null"}, this version reads {Format}: write it again with this version");
        }

        SpectrumCheck.Require(envelope.Spectrum, where);
        return envelope.Spectrum;
    }

    internal static void Save(ModelSpectrum spectrum, string path)
        => AtomicFile.WriteText(path, Write(spectrum));

    internal static ModelSpectrum Load(string path)
    {
        if (!File.Exists(path))
        {
            throw new SpectralKDException($"there is no file {path}: give the path of a spectrum.json");
        }

        return Read(File.ReadAllText(path), path);
    }

    private static Envelope? Parse(string json, string where)
    {
        try
        {
            RequireFormat(json, where);
            return JsonSerializer.Deserialize<Envelope>(json, Options);
        }
        catch (JsonException exception)
        {
            var message = exception.Message.Split('\n')[0].Split(" Path: ")[0];
            throw new SpectralKDException($"{where} is not a spectrum: {message}", exception);
        }
    }

    /// <summary>Says "another format" before complaints about single keys of it.</summary>
    private static void RequireFormat(string json, string where)
    {
        using var document = JsonDocument.Parse(json);
        var root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("format", out var format) || format.ToString() != Format)
        {
            var found = root.ValueKind == JsonValueKind.Object && root.TryGetProperty("format", out var other) ? other.ToString() : "none";
            throw new SpectralKDException($"{where} is not a spectrum that this version reads: its format is {found}, wanted is {Format}");
        }
    }

    private sealed record Envelope
    {
        public required string Format { get; init; }

        public required ModelSpectrum Spectrum { get; init; }
    }
}
