using System.Text.Json;

namespace SpectralKD.Cli.Tests.Packaging;

/// <summary>What the program tells the runtime: a kernel's start and each of its cells hang on it, and no other test would notice.</summary>
public class RuntimeSettingsTests
{
    // The SDK's (one of them in release builds only) and System.CommandLine's own.
    private static readonly string[] s_others = ["System.Runtime.Serialization.EnableUnsafeBinaryFormatterSerialization", "System.CommandLine.ExecutableName", "System.Reflection.Metadata.MetadataUpdater.IsSupported"];

    private static readonly Dictionary<string, string> s_settings = new()
    {
        // What is compiled ahead is compiled again after 300 calls and not after 30, which took seconds of a notebook's first minutes.
        ["System.Runtime.TieredCompilation.CallCountThreshold"] = "300",
        // Counting calls and branches for a later compilation pays in a server, not in cells that run once.
        ["System.Runtime.TieredPGO"] = "false",
        // Threads of the pool that spin for the next message took a tenth of each cell.
        ["System.Threading.ThreadPool.UnfairSemaphoreSpinLimit"] = "0",
    };

    [Fact]
    public void The_program_sets_what_was_measured_to_help_and_nothing_else()
    {
        var found = Settings().Where(setting => !s_others.Contains(setting.Key)).ToDictionary();
        Assert.Equal(s_settings.OrderBy(setting => setting.Key, StringComparer.Ordinal), found.OrderBy(setting => setting.Key, StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("System.Globalization.Invariant", "a cell that sets the culture fr-FR would get none")]
    [InlineData("System.Globalization.PredefinedCulturesOnly", "cells may name cultures that the system does not know")]
    [InlineData("System.GC.Server", "a heap for each processor: a kernel beside an editor must stay small")]
    [InlineData("System.GC.Concurrent", "the default collects beside the cell; without it a live chart stands still")]
    [InlineData("System.Runtime.TieredCompilation", "without the quick first compilation a kernel starts seconds later")]
    [InlineData("System.Runtime.TieredCompilation.QuickJitForLoops", "with it off each cell with a loop is compiled slowly, at once")]
    public void What_would_harm_a_notebook_is_left_as_the_runtime_has_it(string setting, string because)
        => Assert.False(Settings().ContainsKey(setting), $"{setting} is set: {because}");

    private static Dictionary<string, string> Settings()
    {
        using var config = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "SpectralKD.Cli.runtimeconfig.json")));
        return config.RootElement.GetProperty("runtimeOptions").GetProperty("configProperties").EnumerateObject().ToDictionary(
            setting => setting.Name, setting => setting.Value.GetRawText());
    }
}
