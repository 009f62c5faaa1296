using System.Collections.Immutable;
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace SpectralKD.Spectra;

/// <summary>
/// What an analysis has computed so far, in a file (<see cref="SpectralOptions.ResumeFile"/>): the sums of whole batches, exact, so that going on gives the bits of an analysis that was
/// never stopped. Written under another name first, at a stop and every half minute.
/// </summary>
internal sealed class AnalysisCheckpoint
{
    private const string Format = "spectralkd.partial/1";
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        TypeInfoResolver = JsonNulls.Refusing,
    };

    private readonly string? _path;
    private readonly IReadOnlyDictionary<string, string> _analysis;
    private readonly Stopwatch _sinceSaved = Stopwatch.StartNew();

    private AnalysisCheckpoint(string? path, IReadOnlyDictionary<string, string> analysis, PartialAnalysis? found) => (_path, _analysis, Found) = (path, analysis, found);

    /// <summary>What an earlier call has left; null for nothing.</summary>
    public PartialAnalysis? Found { get; }

    /// <summary>No file: nothing is found and nothing kept.</summary>
    public static AnalysisCheckpoint None { get; } = new(null, new Dictionary<string, string>(), null);

    /// <summary>True when it is time to write.</summary>
    public bool IsDue => _path is not null && _sinceSaved.Elapsed > Interval;

    /// <summary>Looks for what an earlier call of the same analysis has left.</summary>
    /// <param name="path">The file.</param>
    /// <param name="analysis">All that the sums depend on, by names that a user knows.</param>
    /// <exception cref="SpectralKDException">The file is damaged, or of another analysis.</exception>
    public static AnalysisCheckpoint Open(string path, IReadOnlyDictionary<string, string> analysis)
    {
        if (!File.Exists(path))
        {
            return new AnalysisCheckpoint(path, analysis, null);
        }

        try
        {
            using var stream = File.OpenRead(path);
            var found = JsonSerializer.Deserialize<PartialAnalysis>(stream, Json) ?? throw new JsonException("it holds null");
            if (found.Format != Format)
            {
                throw new SpectralKDException($"{path} holds no stopped analysis that this version reads: its format is {found.Format}, wanted is {Format}; delete it to begin anew");
            }

            var other = analysis.Keys.Union(found.Analysis.Keys).FirstOrDefault(key => analysis.GetValueOrDefault(key) != found.Analysis.GetValueOrDefault(key));
            return other is null ? new AnalysisCheckpoint(path, analysis, found.Checked(path)) : throw new SpectralKDException(
                $"{path} holds another analysis: its {other} is {found.Analysis.GetValueOrDefault(other, "not given")}, now {analysis.GetValueOrDefault(other, "not given")}; go on with the same options, or begin anew elsewhere");
        }
        catch (JsonException error)
        {
            throw new SpectralKDException($"{path} is damaged, so the stopped analysis cannot go on ({error.Message.Split('\n')[0].TrimEnd('.')}); delete it to begin anew", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SpectralKDException($"{path} cannot be read: {error.Message}", error);
        }
    }

    /// <summary>Writes where the analysis stands; nothing where no file was named.</summary>
    public void Save(PartialAnalysis state)
    {
        if (_path is null)
        {
            return;
        }

        AtomicFile.Write(_path, stream => JsonSerializer.Serialize(stream, state with { Format = Format, Analysis = _analysis }, Json));
        _sinceSaved.Restart();
    }
}

/// <summary>Where an analysis stands after a whole batch.</summary>
internal sealed record PartialAnalysis
{
    /// <summary>Name and version of the format.</summary>
    public string Format { get; init; } = "";

    /// <summary>What the sums depend on.</summary>
    public IReadOnlyDictionary<string, string> Analysis { get; init; } = new Dictionary<string, string>();

    /// <summary>1-based pass over the images.</summary>
    public required int Pass { get; init; }

    /// <summary>Images of the list that this pass is done with, unreadable ones included.</summary>
    public required int Place { get; init; }

    /// <summary>The spectrum of the first pass as its JSON; null in the first pass.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? First { get; init; }

    /// <summary>The sums of the pass so far as a spectrum's JSON; null before its first batch.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Sums { get; init; }

    /// <summary>The images' hashes so far, see <see cref="SpectrumPart.Contents"/>.</summary>
    public required string Contents { get; init; }

    /// <summary>The images that could not be read so far.</summary>
    public IReadOnlyList<SkippedImage> Skipped { get; init; } = [];

    /// <summary>This, if its parts agree.</summary>
    public PartialAnalysis Checked(string path)
    {
        var images = Sums is null ? 0 : ModelSpectrum.FromJson(Sums).Images;
        var bytes = new byte[Contents.Length];
        return Pass is 1 or 2 && Place >= images && First is null == (Pass == 1) && Convert.TryFromBase64String(Contents, bytes, out var length) && length % 8 == 0
            ? this : throw new SpectralKDException($"{path} is damaged: its parts contradict each other; delete it to begin anew");
    }
}
