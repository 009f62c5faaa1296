using Microsoft.Data.Analysis;
using SpectralKD.Interactive.Tests.Charting;

namespace SpectralKD.Interactive.Tests;

public sealed class SavedFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spectralkd-save-").FullName;

    [Fact]
    public void A_spectrum_comes_back_from_json_and_its_table_from_csv()
    {
        var spectrum = SampleSpectra.U();
        SavedFile.Save(spectrum, File("s.json"));
        SavedFile.Save(spectrum, File("s.csv"));
        SavedFile.Save(spectrum, File("s.html"));
        Assert.Equal(spectrum.Intensities, ModelSpectrum.Load(File("s.json")).Intensities);
        Assert.Equal(spectrum.Blocks.Length, TableCsv.Load(File("s.csv")).Rows.Count);
        Assert.Contains("Plotly.newPlot", System.IO.File.ReadAllText(File("s.html")), StringComparison.Ordinal);
    }

    [Fact]
    public void Layer_pairs_and_dynamics_are_tables()
    {
        var spectrum = SampleSpectra.U();
        SavedFile.Save(LayerPairs.Select(spectrum, spectrum), File("pairs.csv"));
        Assert.Equal("pair,student_block,student_name,teacher_block", System.IO.File.ReadAllText(File("pairs.csv"))[..45]);
        var dynamics = DistillationDynamics.Of(spectrum, spectrum, spectrum);
        SavedFile.Save(dynamics, File("dynamics.csv"));
        SavedFile.Save(dynamics, File("dynamics.json"));
        Assert.Equal(2 * spectrum.Blocks.Length, System.IO.File.ReadAllLines(File("dynamics.csv")).Length - 1);
    }

    [Fact]
    public void Images_and_models_have_their_own_formats()
    {
        SavedFile.Save(Textures.Create(4, 32, 2, seed: 1), File("sheet.png"));
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], System.IO.File.ReadAllBytes(File("sheet.png"))[..4]);
        using var model = ModelLoader.Load("deit_nano_patch4_32", new() { Weights = "seeded" });
        SavedFile.Save(model, File("m.safetensors"));
        using var again = ModelLoader.Load("deit_nano_patch4_32", new ModelLoadOptions { Weights = File("m.safetensors") });
        Assert.True(model.state_dict()["cls_token"].Equals(again.state_dict()["cls_token"]));
    }

    [Fact]
    public void Another_ending_is_answered_with_those_that_the_value_takes()
    {
        var table = new DataFrame(new Int32DataFrameColumn("a", [1]));
        Refuses(table, "t.png", "cannot be saved as \".png\"", "it takes .csv");
        Refuses(SampleSpectra.U(), "s.xlsx", "it takes .csv, .arrow, .parquet, .html, .svg, .png, .pdf, .json");
        Refuses("text", "t.csv", "a String cannot be saved", "layer pairs");
        Assert.Empty(Directory.GetFiles(_folder));

        void Refuses(object value, string name, params string[] words)
        {
            var message = Assert.Throws<SpectralKDException>(() => SavedFile.Save(value, File(name))).Message;
            Assert.All(words, word => Assert.Contains(word, message, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task One_line_saves_several_variables_by_their_names_and_says_what_does_not_fit_before_anything_is_saved()
    {
        var host = new Magic.FakeHost { ["teacher"] = SampleSpectra.U("cait_s24_224", 24), ["student"] = SampleSpectra.U() };
        await SpectralKD.Interactive.Magic.MagicLine.ExecuteAsync($"#!spectral-save teacher,student --to {File("*.csv")},{File("*.html")}", host);
        Assert.Equal(["student.csv", "student.html", "teacher.csv", "teacher.html"], Directory.GetFiles(_folder).Select(Path.GetFileName).Order());

        var few = await Assert.ThrowsAsync<SpectralKDException>(() => SpectralKD.Interactive.Magic.MagicLine.ExecuteAsync($"#!spectral-save teacher,student,teacher --to {File("a.json")},{File("b.json")}", host));
        var paper = await Assert.ThrowsAsync<SpectralKDException>(() => SpectralKD.Interactive.Magic.MagicLine.ExecuteAsync($"#!spectral-save teacher --to {File("c.json")},{File("c.csv")} --width 85mm", host));
        Assert.Contains("2 files for 3 variables", few.Message, StringComparison.Ordinal);
        Assert.Contains("leave --width out", paper.Message, StringComparison.Ordinal);
        Assert.Equal(4, Directory.GetFiles(_folder).Length);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string File(string name) => Path.Combine(_folder, name);
}
