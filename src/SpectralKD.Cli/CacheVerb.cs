using System.CommandLine;

namespace SpectralKD.Cli;

/// <summary><c>spectralkd cache</c>: decodes a set of images once, into the file that <c>--image-cache</c> reads.</summary>
internal static class CacheVerb
{
    public static Command Create()
    {
        var source = new Argument<string>("images") { Description = "A folder or zip in ImageFolder layout" };
        var model = new Option<string?>("--model") { Description = "Keep the images at the length that this model's transform resizes them to, for analyze and for training without random crops" }.ReadBy(one => ModelCatalog.Find(one));
        var size = new Option<string?>("--image-size") { Description = "Side of the model's input images in pixels, or height x width such as 224x160 [the model's own]", HelpName = "SIZE" }.ReadBy(text => ImageSize.Parse(text));
        var side = new Option<int?>("--side") { Description = "Length of the shorter side in pixels, for a program of your own [whole images, for training with random crops]" };
        var count = new Option<int?>("--count") { Description = "How many images to take, as analyze takes them [all]" }.AtLeastOne();
        var output = new Option<string>("--out") { Description = "Folder of the cache", Required = true };
        var command = new Command("cache", "Decodes images once into a memory-mapped file; analyze and distill read it by --image-cache") { source, model, size, side, count, output }.PrintsResults();
        command.ReadBy(given => _ = given.GetValue(model) is not null && given.GetValue(side) is not null ? throw new SpectralKDException("--model and --side both say how long the shorter side is to be; give one of them")
            : given.GetValue(model) is null && given.GetValue(size) is not null ? throw new SpectralKDException("--image-size is the size of a model's images; give --model too, or --side alone") : 0);
        command.SetAction((result, cancel) =>
        {
            var console = result.InvocationConfiguration;
            var (name, length) = (result.GetValue(model), result.GetValue(side));
            var spec = name is null ? null : ModelCatalog.Find(name).Spec;
            var resize = spec?.Preprocessing.ResizeTo(result.GetValue(size) is { } text ? ImageSize.Parse(text) : spec.ImageSize);
            var files = ImageSources.Open(result.GetRequiredValue(source), result.GetValue(count));
            var cached = ImageCache.Open(
                files, result.GetRequiredValue(output), resize ?? length, new DecodingLine(console.Error), cancel);
            var notes = cached.Notes.Except(files.Notes).ToList();
            result.Print(
                () => notes.Count > 0 ? notes[0] : FormattableString.Invariant($"the image cache of {cached.Name} is there already: {cached.Count} images"),
                () => new { cached.Name, Folder = result.GetValue(output), Images = cached.Count, Made = notes.Count > 0, Notes = notes });
            return Task.FromResult(0);
        });
        return command;
    }
}

/// <summary>Progress of decoding: one line rewritten in place on a terminal, elsewhere one every ten seconds.</summary>
internal sealed class DecodingLine(TextWriter error) : IProgress<ImageCacheProgress>
{
    private DateTime _last = DateTime.UtcNow;

    public void Report(ImageCacheProgress value)
    {
        if (DateTime.UtcNow - _last > ErrorTerminal.Interval || (ErrorTerminal.Rewrites && value.Done == value.Images))
        {
            _last = DateTime.UtcNow;
            error.Write(ErrorTerminal.Progress(FormattableString.Invariant($"{value.Done} of {value.Images} images decoded, {value.Bytes / 1e6:0.0} MB")) + (ErrorTerminal.Rewrites && value.Done == value.Images ? "\n" : ""));
        }
    }
}
